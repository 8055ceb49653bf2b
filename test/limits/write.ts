// `npm run reference`: writes docs/limits.md.

import { writeFileSync } from 'node:fs'
import { renderLimits } from './document.ts'

writeFileSync(new URL('../../../docs/limits.md', import.meta.url), renderLimits())
