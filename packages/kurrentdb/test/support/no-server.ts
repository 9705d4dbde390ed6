import { expect, it } from 'vitest'
import { startStandIn } from './servers.js'

/** Stands in the report where a real server would: what was proven then was proven on the stand-in alone. */
export function noServer(): void {
  it('NOT KurrentDB: no real server here, so only the stand-in was examined', async () => {
    const standIn = await startStandIn()
    expect(standIn.name).toContain('NOT KurrentDB')
    await standIn.stop()
  })
}
