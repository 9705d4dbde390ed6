import { CorruptError, type Position } from '@annals/core'
import { calling, type Defects, driving, turns } from './defect.js'

export const keepDefects: Defects = {
  'compares-then-sets': driving((inner) => ({
    async saveCheckpoint(id, position, expected, signal) {
      if (expected === undefined) return inner.saveCheckpoint(id, position, expected, signal)
      const actual = await inner.loadCheckpoint(id, signal)
      if (actual !== expected) return { actual }
      await turns(1)
      return inner.saveCheckpoint(id, position, undefined, signal)
    },
  })),

  'null-demands-nothing': driving((inner) => ({
    saveCheckpoint: (id, position, expected, signal) =>
      inner.saveCheckpoint(id, position, expected ?? undefined, signal),
  })),

  'checkpoints-in-the-process': driving((inner) => {
    const kept = new Map<string, Position>()
    return {
      async loadCheckpoint(id) {
        return kept.get(id) ?? null
      },
      async saveCheckpoint(id, position, expected, signal) {
        const result = await inner.saveCheckpoint(id, position, expected, signal)
        if (result === null) kept.set(id, position)
        return result
      },
      async deleteCheckpoint(id, signal) {
        kept.delete(id)
        await inner.deleteCheckpoint(id, signal)
      },
    }
  }),

  'last-snapshot-wins': driving((_, { database }) => ({
    async saveSnapshot(streamId, version, state) {
      database.snapshots.set(streamId, { version, state })
    },
  })),

  'snapshot-versions-as-text': driving((_, { database }) => ({
    async saveSnapshot(streamId, version, state) {
      const kept = database.snapshots.get(streamId)
      if (!kept || String(kept.version) <= String(version))
        database.snapshots.set(streamId, { version, state })
    },
  })),

  'unreadable-snapshot-is-an-error': calling((inner, { database }) => ({
    snapshots: {
      save: (snapshot, options) => inner.snapshots.save(snapshot, options),
      delete: (streamId, options) => inner.snapshots.delete(streamId, options),
      async load(streamId, options) {
        const state = database.snapshots.get(streamId)?.state
        if (typeof state === 'string')
          try {
            JSON.parse(state)
          } catch (cause) {
            throw new CorruptError(`the snapshot of ${streamId} cannot be read`, { cause })
          }
        return inner.snapshots.load(streamId, options)
      },
    },
  })),
}
