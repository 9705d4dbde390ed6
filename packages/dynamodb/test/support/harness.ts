import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { Harness, SlowHandle, Subject } from '@annals/conformance'
import type { EventStore, StoreOptions } from '@annals/core'
import { dynamoDbStore } from '@annals/dynamodb'
import { type DynamoDbServer, startDynamoDb } from '@annals/test-servers'
import { DeleteTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import type { StoreFactory } from './interleave.js'
import { slowHandle } from './slow-handle.js'
import { throttledHandle } from './throttled-handle.js'
import { clientOf, connectionLost, Wire } from './wire.js'

/** Short, so that cases with a writer that died stay short. Nothing but time depends on it. */
const gracePeriodMs = 200

export interface DynamoDbHarness extends Harness {
  /** The same with another make of the store, e.g. one with a defect. */
  with(make: StoreFactory): Harness
}

/** The conformance suite's view of the store on DynamoDB Local: each case in a table of its own. */
export async function dynamoDbHarness(keep: 'in memory' | 'on disk'): Promise<DynamoDbHarness> {
  const server = await startDynamoDb({ disk: keep === 'on disk' })
  const restart = keep === 'on disk' && server.managed
  const harness: Harness = {
    name: server.describe(),
    open: (options) => openSubject(server, restart, dynamoDbStore, options),
    missing: {
      foreignTransaction:
        'DynamoDB has no transaction that stays open: a TransactWriteItems request is the whole of it',
      ...(restart
        ? {}
        : {
            restartServer: server.managed
              ? 'this server keeps its tables in memory; the same cases run on one with a disk'
              : 'the server was not started here, so it is not ours to restart',
          }),
    },
    close: () => server.stop(),
  }
  return {
    ...harness,
    with: (make) => ({
      ...harness,
      open: (options) => openSubject(server, restart, make, options),
    }),
  }
}

async function openSubject(
  server: DynamoDbServer,
  restart: boolean,
  make: StoreFactory,
  options: StoreOptions = {},
): Promise<Subject> {
  const table = `conformance-${randomUUID()}`
  const opened: { store: EventStore; client: DynamoDBClient }[] = []
  const slow: SlowHandle[] = []
  const open = (wire: Wire, more: StoreOptions = {}, name = table): EventStore => {
    const client = clientOf(server, wire)
    const store = make({ ...more, table: name, client, gracePeriodMs })
    opened.push({ store, client })
    return store
  }
  const first = new Wire()
  const store = open(first, options)
  const setUp = open(new Wire())
  await setUp.migrate()

  const subject: Subject = {
    store,
    openAnother: async (more) => open(new Wire(), more),
    cleanup: async () => {
      await Promise.all(slow.map((handle) => handle.resume()))
      await Promise.all(opened.map((each) => each.store.close()))
      const admin = clientOf(server)
      await admin.send(new DeleteTableCommand({ TableName: table }))
      admin.destroy()
      for (const each of opened) each.client.destroy()
    },
    heldWriter: async () => {
      const wire = new Wire()
      let dead = false
      let die: (error: Error) => void = () => {}
      const death = neverOr((reject) => {
        die = reject
      })
      return {
        store: open(wire, { retryBudgetMs: 0 }),
        hold() {
          let release = () => {}
          const released = new Promise<void>((resolve) => {
            release = resolve
          })
          let arrive = () => {}
          const arrived = new Promise<void>((resolve) => {
            arrive = resolve
          })
          let held = false
          wire.rule(async ({ operation }, send) => {
            if (dead) throw connectionLost()
            if (operation !== 'TransactWriteItems' || held) return send()
            held = true
            arrive()
            await Promise.race([released, death])
            return send()
          })
          return { arrived, release: async () => release() }
        },
        async kill() {
          dead = true
          die(connectionLost())
        },
      }
    },
    fragileHandle: async (more) => {
      const wire = new Wire()
      let armed: 'before' | 'after' | undefined
      let down = false
      let struck = 0
      let cut: (error: Error) => void = () => {}
      let broken = neverOr((reject) => {
        cut = reject
      })
      wire.rule(async ({ operation }, send) => {
        if (down) throw connectionLost()
        const strikes = operation === 'TransactWriteItems' ? armed : undefined
        if (strikes) {
          armed = undefined
          struck++
          if (strikes === 'after') await send()
          throw connectionLost()
        }
        return Promise.race([send(), broken])
      })
      return {
        store: open(wire, more),
        cutBeforeRequest() {
          armed = 'before'
        },
        cutAfterCommit() {
          armed = 'after'
        },
        async outage() {
          down = true
          cut(connectionLost())
        },
        async recover() {
          down = false
          broken = neverOr((reject) => {
            cut = reject
          })
        },
        get struck() {
          return struck
        },
      }
    },
    slowHandle: async (more) => {
      const wire = new Wire()
      const handle = slowHandle(wire, open(wire, more))
      slow.push(handle)
      return handle
    },
    throttledHandle: async (more) => {
      const wire = new Wire()
      return throttledHandle(wire, open(wire, more))
    },
    workerStore: () => {
      const { accessKeyId, secretAccessKey } = server.credentials
      const { host } = new URL(server.endpoint)
      return {
        module: fileURLToPath(new URL('../../src/index.ts', import.meta.url)),
        export: 'dynamoDbStoreFromUrl',
        args: `dynamodb://${accessKeyId}:${secretAccessKey}@${host}/${table}?region=${server.region}&gracePeriodMs=${gracePeriodMs}`,
      }
    },
    requestCount: async () => first.count,
    damageSnapshot: async (streamId) => {
      const admin = clientOf(server)
      await admin.send(
        new PutItemCommand({
          TableName: table,
          Item: {
            PK: { S: `n#${streamId}` },
            SK: { S: 'snapshot' },
            v: { N: '1' },
            d: { S: '{"half": ' },
          },
        }),
      )
      admin.destroy()
    },
    openUnmigrated: async (more) => open(new Wire(), more, `missing-${randomUUID()}`),
    openUnprivileged: async (more) => {
      const { endpoint, region } = server
      // DynamoDB Local checks no rights, but it refuses a key id that is none.
      const credentials = { accessKeyId: 'no such key!', secretAccessKey: 'none' }
      const client = new DynamoDBClient({ endpoint, region, credentials })
      const unprivileged = make({ ...more, table, client, gracePeriodMs })
      opened.push({ store: unprivileged, client })
      return unprivileged
    },
  }
  if (restart) {
    return {
      ...subject,
      restartServer: async () => {
        // In good order: DynamoDB Local acknowledges what it has not yet given to its file, so to kill it proves something
        // about the emulator and nothing about the store. Connections are cut all the same.
        await server.restart()
      },
    }
  }
  return subject
}

/** A promise that can only fail; nobody need listen. */
function neverOr(failing: (reject: (error: Error) => void) => void): Promise<never> {
  const promise = new Promise<never>((_, reject) => failing(reject))
  promise.catch(() => {})
  return promise
}
