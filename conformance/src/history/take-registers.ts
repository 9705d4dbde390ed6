import type { Position } from '@annals/core'
import type { Micros } from './format.js'
import type { Operation } from './operation.js'
import type { CheckState } from './state.js'

/** A save or a deletion of a checkpoint. */
export interface Write {
  readonly operation: Operation
  /** Null: deleted. */
  readonly value: Position | null
  /** Undefined: unconditionally. */
  readonly expected: Position | null | undefined
}

/** What was found to be there: by a load, or by a save that was refused. */
export interface Finding {
  readonly operation: Operation
  readonly value: Position | null
}

export interface Checkpoint {
  readonly name: string
  readonly writes: Write[]
  readonly findings: Finding[]
}

export interface SnapshotState {
  /** Versions and digests that were asked to be saved, and since when. */
  readonly saves: Map<number, { digests: Set<string>; since: Micros; operation: Operation }>
  /** At least this version was kept before now, unless it was lost or deleted. */
  floor: { version: number; operation: Operation | undefined }
  deleted: boolean
}

export class Registers {
  readonly checkpoints = new Map<string, Checkpoint>()
  readonly snapshots = new Map<string, SnapshotState>()

  checkpoint(name: string): Checkpoint {
    let checkpoint = this.checkpoints.get(name)
    if (!checkpoint) {
      checkpoint = { name, writes: [], findings: [] }
      this.checkpoints.set(name, checkpoint)
    }
    return checkpoint
  }

  snapshot(stream: string): SnapshotState {
    let snapshot = this.snapshots.get(stream)
    if (!snapshot) {
      snapshot = { saves: new Map(), floor: { version: 0, operation: undefined }, deleted: false }
      this.snapshots.set(stream, snapshot)
    }
    return snapshot
  }
}

export function snapshotSaveCalled(
  registers: Registers,
  operation: Operation,
  stream: string,
  version: number,
  digest: string,
): void {
  const { saves } = registers.snapshot(stream)
  const known = saves.get(version)
  if (known) known.digests.add(digest)
  else saves.set(version, { digests: new Set([digest]), since: operation.call, operation })
}

/** A snapshot was sure to be there with this version: saved, or loaded. */
export function snapshotKept(
  state: CheckState,
  registers: Registers,
  operation: Operation,
  stream: string,
  version: number,
): void {
  const snapshot = registers.snapshot(stream)
  state.later(operation.end, () => {
    if (version > snapshot.floor.version) snapshot.floor = { version, operation }
  })
}

export function snapshotLoaded(
  state: CheckState,
  registers: Registers,
  operation: Operation,
  stream: string,
  floor: SnapshotState['floor'],
  loaded: readonly [version: number, digest: string] | null,
): void {
  operation.answer = loaded && `version ${loaded[0]}`
  // None is always allowed: a lost snapshot costs time, never correctness.
  if (!loaded) return
  const { findings } = state
  const [version, digest] = loaded
  const snapshot = registers.snapshot(stream)
  const saved = snapshot.saves.get(version)
  findings.examined('SNAP-1')
  if (!saved?.digests.has(digest)) {
    findings.add(
      'SNAP-1',
      `The snapshot of ${JSON.stringify(stream)} that was loaded was never saved${saved ? ' with this state' : ''}.`,
      saved?.operation,
      operation,
    )
    return
  }
  if (!snapshot.deleted && version < floor.version) {
    findings.add(
      'SNAP-1',
      `The snapshot of ${JSON.stringify(stream)} went back to version ${version} from ${floor.version}.`,
      floor.operation,
      operation,
    )
    return
  }
  snapshotKept(state, registers, operation, stream, version)
}
