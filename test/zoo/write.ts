// `npm run reference`: writes docs/zoo.md.

import { writeFileSync } from 'node:fs'
import { renderZoo } from './document.ts'

writeFileSync(new URL('../../../docs/zoo.md', import.meta.url), renderZoo())
