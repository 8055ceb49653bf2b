import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Maildir } from '@sallyport/proxy/maildir.js'

describe('a Maildir', () => {
  let directory: string
  let maildir: Maildir

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sallyport-maildir-'))
    maildir = await Maildir.open(directory, 'mx/1:2')
  })
  after(() => rm(directory, { recursive: true }))

  it('gives names that no two messages share and that no path can be in', () => {
    const names = Array.from({ length: 1000 }, () => maildir.newName())
    assert.equal(new Set(names.map(({ id }) => id)).size, 1000)
    for (const { id, file } of names) assert.match(file, new RegExp(`^\\d+\\.R${id}\\.mx\\\\0571\\\\0722$`))
  })

  it('shows a message only when it is whole', async () => {
    const { file } = maildir.newName()
    async function* content() {
      yield Buffer.from('one ')
      assert.deepEqual([await readdir(join(directory, 'tmp')), await readdir(join(directory, 'new'))], [[file], []])
      yield Buffer.from('two')
    }
    assert.deepEqual(await maildir.store(file, 'head ', content(), 7), { kind: 'stored' })
    assert.deepEqual([await readdir(join(directory, 'tmp')), await readdir(join(directory, 'new'))], [[], [file]])
    assert.equal(await readFile(join(directory, 'new', file), 'latin1'), 'head one two')
    await rm(join(directory, 'new', file))
  })

  it('writes nothing above the limit, and yet reads to the end', async () => {
    const { file } = maildir.newName()
    let isRead = false
    async function* content() {
      yield Buffer.from('one ')
      yield Buffer.from('twoo')
      assert.equal((await stat(join(directory, 'tmp', file))).size, 'head one '.length)
      isRead = true
    }
    assert.deepEqual(await maildir.store(file, 'head ', content(), 7), { kind: 'oversized' })
    assert.ok(isRead)
    assert.deepEqual([await readdir(join(directory, 'tmp')), await readdir(join(directory, 'new'))], [[], []])
  })

  it('keeps nothing of a message whose source broke off', async () => {
    async function* content() {
      yield Buffer.from('one ')
      throw new Error('connection lost')
    }
    assert.deepEqual(await maildir.store(maildir.newName().file, '', content(), 7), { kind: 'gone' })
    assert.deepEqual([await readdir(join(directory, 'tmp')), await readdir(join(directory, 'new'))], [[], []])
  })

  it('never writes over a message', async () => {
    const { file } = maildir.newName()
    async function* inner() {
      yield Buffer.from('first')
      const deposit = await maildir.store(file, '', none(), 7)
      assert.equal(deposit.kind, 'failed')
    }
    async function* none(): AsyncGenerator<Buffer> {}
    assert.deepEqual(await maildir.store(file, '', inner(), 7), { kind: 'stored' })
    assert.equal(await readFile(join(directory, 'new', file), 'latin1'), 'first')
  })
})
