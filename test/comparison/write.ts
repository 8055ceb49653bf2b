// `npm run reference`: writes docs/transparency.md.

import { writeFileSync } from 'node:fs'
import { renderTransparency } from './document.ts'

writeFileSync(new URL('../../../docs/transparency.md', import.meta.url), renderTransparency())
