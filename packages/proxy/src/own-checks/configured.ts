import { loadConfig, modulesNamed, type Parsed } from '../config/parse.ts'
import { loadOwnChecks } from './load.ts'

/**
 * Reads a configuration file, with the checks of the modules that it names: their keys are among its keys. What is wrong with a module
 * is told with everything else that is wrong with the file.
 */
export async function configured(path: string): Promise<Parsed> {
  const modules = modulesNamed(path)
  const { checks, problems } = await loadOwnChecks(modules.map(({ module }) => module))
  const faults = problems.map(({ position, text }) => ({ path: modules[position]?.path ?? [], text }))
  return loadConfig(path, process.env, { checks, faults })
}
