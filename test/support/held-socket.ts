import { type Owner, undoAfter } from './owner.ts'

/** What Node has of TCP below node:net. */
interface TcpWrap {
  readonly TCP: new (
    type: number,
  ) => { readonly fd: number; bind(host: string, port: number): number; close(done: () => void): void }
  readonly constants: { readonly SERVER: number }
}

/**
 * A descriptor bound to a port of 127.0.0.1, held open until the owner ends, from which this process accepts nothing: what systemd does for
 * a socket unit. A net.Server would accept as soon as it has the port.
 */
export function holdSocket(owner: Owner, port: number): number {
  const { TCP, constants } = (process as unknown as { binding(name: 'tcp_wrap'): TcpWrap }).binding('tcp_wrap')
  const handle = new TCP(constants.SERVER)
  const fault = handle.bind('127.0.0.1', port)
  if (fault !== 0) throw new Error(`port ${port} cannot be had (${fault})`)
  undoAfter(owner, () => new Promise<void>(resolve => handle.close(resolve)))
  return handle.fd
}
