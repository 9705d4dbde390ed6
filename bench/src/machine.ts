import { cpus, loadavg, platform, release, totalmem } from 'node:os'

/** Where the figures were taken: what they depend on, and nothing that names the machine. */
export interface Machine {
  readonly cores: number
  readonly cpu: string
  readonly memoryGiB: number
  readonly system: string
  readonly node: string
}

export function describeMachine(): Machine {
  const all = cpus()
  return {
    cores: all.length,
    cpu: all[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    node: process.version,
  }
}

/** The load average over the last minute, to tell a quiet machine from a busy one. */
export function loadNow(): number {
  return Number((loadavg()[0] ?? 0).toFixed(2))
}
