import { loadConfig, modulesNamed, type Parsed } from '../config/parse.ts'
import { loadOwnChecks } from './load.ts'

/** Reads a configuration file, with the checks of the modules that it names: their keys are among its keys. */
export async function configured(path: string): Promise<Parsed> {
  const loaded = await loadOwnChecks(modulesNamed(path))
  if ('problems' in loaded) return { problems: loaded.problems.map(problem => `${path}:1:1 modules: ${problem}`) }
  return loadConfig(path, process.env, loaded.checks)
}
