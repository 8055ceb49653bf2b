// Packages that this release of Debian does not have, and its backports do. What the machine installs from stays as it is: the backports are
// known to one call of apt-get only, with lists of their own.

import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { quietly, StepFailed } from './steps.mjs'

/** Reads the lists of the backports into `directory`, and gives the options with which apt-get reads them there. */
export async function backportsOptions(directory) {
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]
  const [mirror] = execFileSync(
    'apt-get',
    ['indextargets', '--format', '$(REPO_URI) $(RELEASE)', 'Created-By: Packages'],
    {
      encoding: 'utf8',
    },
  )
    .split('\n')
    .filter(line => line.endsWith(` ${codename}`))
  if (mirror === undefined) throw new StepFailed(`apt-get knows no mirror of ${codename ?? 'this release'}.`)
  const lists = join(directory, 'lists')
  mkdirSync(join(lists, 'partial'), { recursive: true })
  const sources = join(directory, 'sources.list')
  writeFileSync(sources, `deb ${mirror.split(' ')[0]} ${codename}-backports main\n`)
  const options = [`Dir::Etc::sourcelist=${sources}`, 'Dir::Etc::sourceparts=-', `Dir::State::lists=${lists}`]
  // Neither cache of apt's: they would be built anew from these lists, and once more without them.
  const known = [...options, 'Dir::Cache::pkgcache=', 'Dir::Cache::srcpkgcache=', 'APT::Sandbox::User=root'].flatMap(
    option => ['-o', option],
  )
  await quietly('apt-get', ['-q', ...known, 'update'])
  return known
}
