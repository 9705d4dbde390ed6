import { type RuleId, runConformance } from '@annals/conformance'
import { expect, test } from 'vitest'
import type { Connection } from '../src/index.js'
import { CommitFailed } from '../src/sqlite-file.js'
import { sqliteHarness } from './harness.js'
import { FaultyFile } from './support/faulty-file.js'

// Faulty variants of this store, each as somebody could have written it. That the suite passes the store itself says
// nothing about what it would let through; that it finds these does.

function replacing(from: string, to: string): typeof FaultyFile {
  return class extends FaultyFile {
    protected override rewrite(sql: string): string {
      return sql.replaceAll(from, to)
    }
  }
}

/** Takes positions before the write lock, from a sequence: who took 1 may commit after who took 2. */
class SequenceBeforeLock extends FaultyFile {
  protected override readonly holdsAt = 'lock'
  #next = 0

  override async write<T>(work: (connection: Connection) => T): Promise<T> {
    const first = await super.write((connection) =>
      Number(connection.get('UPDATE numbers SET next = next + 1000 RETURNING next')?.[0]),
    )
    await this.standIfHeld()
    return super.write((connection) => {
      this.#next = first
      return work(connection)
    })
  }

  protected override rewrite(sql: string): string {
    return sql
      .replace(
        'CREATE TABLE annals_events',
        'CREATE TABLE numbers (next INTEGER); INSERT INTO numbers VALUES (0); $&',
      )
      .replace('INSERT INTO annals_events (', 'INSERT INTO annals_events (position, ')
      .replace('VALUES (?, ?, ?, ?,', () => `VALUES (${this.#next++}, ?, ?, ?, ?,`)
  }
}

/** One connection for everything: its readers see what is not committed yet. */
class OneConnection extends FaultyFile {
  #last: Connection | undefined

  protected override connect(name: string, busyTimeoutMs: number): Connection {
    this.#last = super.connect(name, busyTimeoutMs)
    return this.#last
  }

  override get reader(): Connection {
    const reader = super.reader
    return this.#last ?? reader
  }
}

/** Takes an error of the disk at COMMIT for proof that nothing was written. */
class CertainCommit extends FaultyFile {
  override async write<T>(work: (connection: Connection) => T): Promise<T> {
    try {
      return await super.write(work)
    } catch (error) {
      throw error instanceof CommitFailed ? error.cause : error
    }
  }
}

const range = '(stream_id >= ? AND stream_id < ?)'
const mutants: [name: string, mutant: typeof FaultyFile, rule: RuleId][] = [
  ['a sequence taken before the lock', SequenceBeforeLock, 'ALL-4'],
  ['prefixes by LIKE', replacing(range, "(stream_id LIKE ? || '%' AND ? <> '')"), 'ALL-7'],
  [
    'stream ids without regard to case',
    replacing('stream_id TEXT', 'stream_id TEXT COLLATE NOCASE'),
    'READ-1',
  ],
  ['a failed COMMIT taken for nothing written', CertainCommit, 'ERR-2'],
]

test.each(mutants)('the suite finds %s', async (_name, mutant, rule) => {
  const harness = sqliteHarness(mutant)
  const report = await runConformance(harness, { rules: [rule], model: false, watchdogMs: 20_000 })
  expect(report.results.filter(({ outcome }) => outcome === 'failed')).not.toEqual([])
})

test('a handle does not see what it has not committed, as it would with one connection', async () => {
  const seen = async (File: typeof FaultyFile) => {
    const subject = await sqliteHarness(File).open()
    try {
      const { store, hold } = await subject.heldWriter!()
      await store.streamVersion('Order-1')
      const { arrived, release } = hold()
      const appending = store.append('Order-1', [{ type: 'Happened', data: null }])
      await arrived
      const events = await store.readAll().toArray()
      await release()
      await appending
      return events.length
    } finally {
      await subject.cleanup()
    }
  }
  expect(await seen(FaultyFile)).toBe(0)
  expect(await seen(OneConnection)).toBe(1)
})
