import type { TcpProxy } from '@annals/test-servers'

/** Without names each request carries its text, and a proxy can tell an append. */
const append = /append_(?:one|batch|distinct)\(/

/** ReadyForQuery, outside a transaction: the server has committed. */
const ready = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])

export type Place = 'before' | 'after'

type Verdict = 'cut' | Promise<'forward'>

/**
 * Arms a fault for the next append that goes through a proxy: before the server gets it, or after it has committed and
 * before its answer arrives. `strike` then decides what becomes of the request or of the answer.
 */
export function strikeAppends(
  proxy: TcpProxy,
  strike: (place: Place, connection: Parameters<Parameters<TcpProxy['onData']>[0]>[2]) => Verdict,
): { arm(place: Place | undefined): void; readonly struck: number } {
  let armed: Place | undefined
  let struck = 0
  const committing = new WeakSet<object>()
  proxy.onData((chunk, direction, connection) => {
    if (direction === 'up' && append.test(chunk.toString('latin1'))) {
      const place = armed
      armed = undefined
      if (place === 'before') {
        struck++
        return strike(place, connection)
      }
      if (place === 'after') committing.add(connection)
    } else if (direction === 'down' && committing.has(connection) && chunk.includes(ready)) {
      committing.delete(connection)
      struck++
      return strike('after', connection)
    }
    return 'forward'
  })
  return {
    arm(place) {
      armed = place
    },
    get struck() {
      return struck
    },
  }
}
