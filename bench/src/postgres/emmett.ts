import { dumbo } from '@event-driven-io/dumbo'
import { EmmettError, type Event } from '@event-driven-io/emmett'
import { getPostgreSQLEventStore, readMessagesBatch } from '@event-driven-io/emmett-postgresql'
import { Conflict, type ContestantKind, type Fact } from './contestant.js'
import { installedVersion } from './installed-version.js'

// A page when everything is read. The consumer's default of 100 would make 10 times as many round trips.
const batchSize = 1000

const asEvent = ({ type, data, metadata }: Fact) => ({ type, data, metadata }) as unknown as Event

export const emmett: ContestantKind = {
  name: 'Emmett',
  setting: `emmett-postgresql ${installedVersion('@event-driven-io/emmett-postgresql')} on a pg pool; \`appendToStream\` with \`expectedStreamVersion\`, \`readStream\`; everything by its \`readMessagesBatch\` with ${batchSize} events a page (its consumer pauses after each page and saves a checkpoint for each event); subscription by a consumer with its defaults`,
  open: async (url, newPool) => {
    const pool = newPool()
    const store = getPostgreSQLEventStore(url, { connectionOptions: { pool } })
    const { execute } = dumbo({ connectionString: url, pool })
    await store.schema.migrate()
    return {
      name: 'Emmett',
      append: async (streamId, expected, facts) => {
        const options = expected === 'any' ? {} : { expectedStreamVersion: BigInt(expected) }
        try {
          await store.appendToStream(streamId, facts.map(asEvent), options)
        } catch (error) {
          // The package carries its own copy of its errors, so that `instanceof` would not know them.
          const { ConcurrencyError } = EmmettError.Codes
          throw EmmettError.isInstanceOf(error, ConcurrencyError) ? new Conflict(error) : error
        }
      },
      version: async (streamId, known) => {
        const tail = await store.readStream(streamId, { from: BigInt(known + 1) })
        return tail.streamExists ? Number(tail.currentStreamVersion) : known
      },
      readStream: async (streamId) => (await store.readStream(streamId)).events.length,
      readAll: async () => {
        let read = 0
        let after = 0n
        for (;;) {
          const page = await readMessagesBatch(execute, { after, batchSize })
          read += page.messages.length
          if (!page.areMessagesLeft) return read
          after = page.currentGlobalPosition
        }
      },
      // From the beginning, because 'END' begins after the first event in this version (the query for the last event's
      // position sorts upwards). In an empty database both mean the same.
      subscribe: (onEvent) => {
        const consumer = store.consumer()
        consumer.reactor({
          processorId: 'subscriber',
          startFrom: 'BEGINNING',
          eachMessage: (message) => {
            onEvent(message.data)
            return Promise.resolve()
          },
        })
        const ended = consumer.start()
        const stop = async () => {
          await consumer.close()
          await ended
        }
        return Promise.resolve({ stop })
      },
      settle: () => pool.query('vacuum (analyze)'),
      close: async () => {
        await store.close()
        await pool.end()
      },
    }
  },
}
