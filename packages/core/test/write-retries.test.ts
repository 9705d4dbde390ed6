import { describe, expect, it } from 'vitest'
import {
  createEventStore,
  isEventStoreError,
  MemoryDatabase,
  memoryDriver,
  newEventId,
  type StoreDriver,
} from '../src/index.js'
import { ClientError, driverWith, failing } from './faulty-driver.js'

const event = () => ({ type: 'Tested', data: { n: 1 }, id: newEventId() })

/** Appends commit, but the answer is lost the first `times` times. */
const answerLost = (times: number) => (driver: StoreDriver) => ({
  append: failing(times, driver.append, async (request, signal) => {
    await driver.append(request, signal)
    throw new ClientError('lost')
  }),
})

describe('repeating an append', () => {
  it('retries what certainly did nothing', async () => {
    const store = createEventStore(
      driverWith((driver) => ({
        append: failing(3, driver.append, async () => {
          throw new ClientError('refused')
        }),
      })),
    )
    expect(await store.append('A-1', [event()])).toMatchObject({ version: 1 })
    expect(await store.streamVersion('A-1')).toBe(1)
  })

  it.each([0, 'any'] as const)(
    'has one effect when answers are lost (%s)',
    async (expectedVersion) => {
      const store = createEventStore(driverWith(answerLost(2)))
      expect(await store.append('A-1', [event()], { expectedVersion })).toMatchObject({
        version: 1,
      })
      expect(await store.streamVersion('A-1')).toBe(1)
    },
  )

  it.each([
    [2, 'UNKNOWN_OUTCOME', 'Other,Other,Tested'],
    ['exists', 'UNKNOWN_OUTCOME', 'Other,Other,Tested'],
    // What the stream has passed never holds again, so that the refusal is final.
    [0, 'WRONG_EXPECTED_VERSION', 'First,Other,Other'],
  ] as const)(
    'says no more than it knows of an append with %s that is refused while an attempt of it is still on its way',
    async (expectedVersion, code, types) => {
      const database = new MemoryDatabase()
      let arrive = () => {}
      let late: Promise<unknown> | undefined
      const driver = driverWith(
        (inner) => ({
          append(request, signal) {
            if (late) return inner.append(request, signal)
            const arrived = new Promise<void>((resolve) => {
              arrive = resolve
            }).then(() => inner.append(request, signal))
            late = arrived.catch(() => {})
            return arrived
          },
        }),
        database,
      )
      const store = createEventStore(driver, { attemptTimeoutMs: 20 })
      const other = createEventStore(memoryDriver(database))
      if (expectedVersion === 0) await other.append('A-1', [{ type: 'First', data: 0 }])
      await expect(store.append('A-1', [event()], { expectedVersion })).rejects.toMatchObject({
        code,
      })
      const two = [1, 2].map((data) => ({ type: 'Other', data }))
      await other.append('A-1', two)
      arrive()
      await late
      const stored = await other.readStream('A-1').toArray()
      expect(stored.map(({ type }) => type).join()).toBe(types)
    },
  )

  it('looks for the lost append where a blind repeat would write twice', async () => {
    let looked = 0
    const store = createEventStore(
      driverWith((driver, database) => ({
        ...answerLost(1)(driver),
        capabilities: { ...driver.capabilities, idempotentAny: 'bestEffort' },
        async findAppend(request) {
          looked++
          const found = database.events.find((e) => e.id === request.events.at(-1)?.id)
          return found ? { version: found.version, position: found.position } : null
        },
      })),
    )
    expect(await store.append('A-1', [event()])).toMatchObject({ version: 1 })
    expect(looked).toBe(1)
  })

  it('says UNKNOWN_OUTCOME at once where it can neither repeat nor look', async () => {
    let calls = 0
    const store = createEventStore(
      driverWith((driver) => ({
        capabilities: { ...driver.capabilities, idempotentAny: 'bestEffort' },
        append: async () => {
          calls++
          throw new ClientError('lost')
        },
      })),
    )
    const sent = event()
    const error = await store.append('A-1', [sent]).catch((e: unknown) => e)
    expect(isEventStoreError(error, 'UNKNOWN_OUTCOME') && error.eventIds).toEqual([sent.id])
    expect(calls).toBe(1)
  })

  it('says UNAVAILABLE, with the client error as cause, when nothing was ever written', async () => {
    const store = createEventStore(
      driverWith(() => ({
        append: async () => {
          throw new ClientError('refused')
        },
      })),
      { retryBudgetMs: 60 },
    )
    const error = await store.append('A-1', [event()]).catch((e: unknown) => e)
    expect(isEventStoreError(error, 'UNAVAILABLE')).toBe(true)
    expect((error as Error).cause).toBeInstanceOf(ClientError)
  })

  it('says UNKNOWN_OUTCOME when one attempt in doubt was followed by failures that did nothing', async () => {
    let calls = 0
    const store = createEventStore(
      driverWith(() => ({
        append: async () => {
          throw new ClientError(calls++ === 0 ? 'lost' : 'refused')
        },
      })),
      { retryBudgetMs: 60 },
    )
    const error = await store.append('A-1', [event()], { expectedVersion: 0 }).catch((e) => e)
    expect(error).toMatchObject({ code: 'UNKNOWN_OUTCOME' })
  })

  it('does not retry a final failure, and tells observers of the retries it makes', async () => {
    const notices: string[] = []
    let calls = 0
    const store = createEventStore(
      driverWith(() => ({
        append: async () => {
          throw new ClientError(calls++ === 0 ? 'refused' : 'final')
        },
      })),
      {
        onRetry: (notice) => {
          notices.push(`${notice.operation} ${notice.attempt}`)
          throw new Error('an observer that breaks the rules')
        },
      },
    )
    await expect(store.append('A-1', [event()])).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(calls).toBe(2)
    expect(notices).toEqual(['append 1'])
  })
})

describe('a checkpoint whose answer was lost', () => {
  it('is not taken for another owner’s', async () => {
    const store = createEventStore(
      driverWith((driver) => ({
        saveCheckpoint: failing(1, driver.saveCheckpoint, async (...args) => {
          await driver.saveCheckpoint(...args)
          throw new ClientError('lost')
        }),
      })),
    )
    const { position } = await store.append('A-1', [event()])
    await store.checkpoints.save('sub', position, { expected: null })
    expect(await store.checkpoints.load('sub')).toBe(position)
    const next = await store.append('A-1', [event()])
    await expect(
      store.checkpoints.save('sub', next.position, { expected: null }),
    ).rejects.toMatchObject({ code: 'CHECKPOINT_CONFLICT', actual: position })
  })
})

describe('an attempt without an answer', () => {
  it('is given up, its signal aborts, and the repetition finds what it did', async () => {
    const aborted: boolean[] = []
    const store = createEventStore(
      driverWith((driver) => ({
        append: failing(1, driver.append, async (request, signal) => {
          await driver.append(request, signal)
          return new Promise<never>(() =>
            signal.addEventListener('abort', () => aborted.push(signal.aborted)),
          )
        }),
      })),
      { attemptTimeoutMs: 20 },
    )
    expect(await store.append('A-1', [event()], { expectedVersion: 0 })).toMatchObject({
      version: 1,
    })
    expect(aborted).toEqual([true])
    expect(await store.streamVersion('A-1')).toBe(1)
    await store.close()
  })

  it('is UNKNOWN_OUTCOME where no repetition finds out', async () => {
    const store = createEventStore(
      driverWith(() => ({ append: () => new Promise<never>(() => {}) })),
      { attemptTimeoutMs: 5, retryBudgetMs: 20 },
    )
    await expect(store.append('A-1', [event()])).rejects.toMatchObject({ code: 'UNKNOWN_OUTCOME' })
    await store.close()
  })
})
