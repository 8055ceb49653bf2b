// The doctor with a configuration of the test's: as a user calls it, or in this process, which takes a tenth of the time.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { diagnose as examine } from '@sallyport/proxy/doctor/doctor.js'
import { asJson, isWell } from '@sallyport/proxy/doctor/report.js'
import { configured } from '@sallyport/proxy/own-checks/configured.js'
import { cli } from './gate.ts'
import { type Owner, tempDirectory } from './owner.ts'
import { run } from './process.ts'

export interface Finding {
  readonly subject: string
  readonly point: string
  readonly level: 'ok' | 'warn' | 'FAIL'
  readonly ms: number | null
  readonly saw: string
  readonly advice: string | null
}

export interface Diagnosis {
  readonly code: number | null
  readonly findings: readonly Finding[]
  /** `FAIL relay`, in the order told, without what is well. */
  readonly troubles: readonly string[]
  /** The finding on a point, of the subject that begins so where there are several; none throws. */
  of(point: string, subject?: string): Finding
}

/** What every diagnosis has, unless its settings say otherwise: nothing of the machine is to be found fault with. */
const usual = { hostname: 'gate.example.test', listen: "['127.0.0.1:0']", limits: '{ connections: 500 }' }

async function written(owner: Owner, settings: string): Promise<string> {
  const file = join(await tempDirectory(owner, 'doctor'), 'sallyport.yaml')
  const rest = Object.entries(usual).filter(([key]) => !settings.includes(`${key}:`))
  await writeFile(file, `${rest.map(([key, value]) => `${key}: ${value}\n`).join('')}${settings}\n`)
  return file
}

/** What the doctor says of these settings, the text of a configuration file. */
export async function diagnose(owner: Owner, settings: string): Promise<Diagnosis> {
  const file = await written(owner, settings)
  const parsed = await configured(file)
  if ('problems' in parsed) throw new Error(parsed.problems.join('\n'))
  const findings = await examine(parsed.config, null)
  return diagnosis(isWell(findings) ? 0 : 1, asJson(file, findings))
}

/** The same by `sallyport doctor --json`. */
export async function diagnoseAsUser(owner: Owner, settings: string, ...more: readonly string[]): Promise<Diagnosis> {
  const file = await written(owner, settings)
  const { code, stdout, output } = await run(process.execPath, [cli, 'doctor', '--json', '-c', file, ...more], 60_000)
  assert.match(stdout, /^\{/, output)
  return diagnosis(code, stdout)
}

function diagnosis(code: number, text: string): Diagnosis {
  const found = JSON.parse(text) as { readonly ok: boolean; readonly findings: readonly Finding[] }
  assert.equal(found.ok, code === 0)
  return {
    code,
    findings: found.findings,
    troubles: found.findings.filter(({ level }) => level !== 'ok').map(({ level, point }) => `${level} ${point}`),
    of(point, subject = '') {
      const finding = found.findings.find(each => each.point === point && each.subject.startsWith(subject))
      assert.ok(finding !== undefined, `nothing on ${point} in ${text}`)
      return finding
    },
  }
}

/** Asserts the level of a finding, and the words in it. */
export function assertFinding(finding: Finding, level: Finding['level'], saw: RegExp, advice?: RegExp): void {
  assert.deepEqual([finding.level, finding.saw.match(saw) !== null], [level, true], JSON.stringify(finding))
  if (advice !== undefined) assert.match(finding.advice ?? '', advice)
}
