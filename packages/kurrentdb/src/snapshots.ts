import type { Payload } from '@annals/core'
import type { Context } from './context.js'
import { writeOwn } from './own-streams.js'
import { readLast } from './read.js'
import type { RawRecord } from './records.js'

interface Kept {
  readonly revision: bigint
  /** Null: deleted, or not a snapshot that this adapter can read. */
  readonly snapshot: { readonly version: number; readonly state: Payload } | null
}

/** A snapshot is the last event of a stream of its own, with the version that it was taken at in the metadata. */
export async function loadSnapshot(context: Context, streamId: string, signal: AbortSignal) {
  return (await read(context, streamId, signal))?.snapshot ?? null
}

export async function saveSnapshot(
  context: Context,
  streamId: string,
  version: number,
  state: Payload,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const kept = await read(context, streamId, signal)
    if (kept?.snapshot && kept.snapshot.version > version) return
    const event = { type: 'snapshot', data: state, metadata: { version } }
    const name = context.names.snapshotStream(streamId)
    // Where another writer was first, look again which of the two is newer.
    if ((await writeOwn(context, name, event, kept ? kept.revision : null)) !== null) return
  }
}

export async function deleteSnapshot(
  context: Context,
  streamId: string,
  signal: AbortSignal,
): Promise<void> {
  if (!(await read(context, streamId, signal))?.snapshot) return
  const event = { type: 'snapshot-deleted', data: 'null' }
  await writeOwn(context, context.names.snapshotStream(streamId), event, undefined)
}

async function read(context: Context, streamId: string, signal: AbortSignal): Promise<Kept | null> {
  const record = await readLast(context, context.names.snapshotStream(streamId), signal)
  return record && { revision: record.revision, snapshot: snapshotIn(record) }
}

function snapshotIn({ type, isJson, data, metadata }: RawRecord): Kept['snapshot'] {
  if (type !== 'snapshot') return null
  const version = versionIn(Buffer.from(metadata).toString('utf8'))
  if (version === null) return null
  return { version, state: isJson ? Buffer.from(data).toString('utf8') : new Uint8Array(data) }
}

function versionIn(metadata: string): number | null {
  try {
    const { version } = JSON.parse(metadata) as { version?: unknown }
    return Number.isSafeInteger(version) ? (version as number) : null
  } catch {
    return null
  }
}
