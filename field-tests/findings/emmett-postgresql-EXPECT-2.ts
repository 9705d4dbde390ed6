// Two of Emmett's command handlers decide on the same new stream, in PostgreSQL; both take effect.
import { CommandHandler, type Event } from '@event-driven-io/emmett'
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql'
import { emptyDatabase } from '../src/support/postgres.js'
import { errorOf, gate, show, told } from '../src/support/show.js'

type Reserved = Event<'Reserved', { by: string }>

const handle = CommandHandler<{ takenBy: string | null }, Reserved>({
  initialState: () => ({ takenBy: null }),
  evolve: (_, event) => ({ takenBy: event.data.by }),
})

const decide = (by: string) => (state: { takenBy: string | null }) => {
  if (state.takenBy !== null) throw new Error(`taken by ${state.takenBy}`)
  return { type: 'Reserved' as const, data: { by } }
}

await show('one of two decisions on an empty stream is refused as a conflict', async () => {
  const store = getPostgreSQLEventStore(await emptyDatabase())
  await store.schema.migrate()
  const decided = gate()
  const goOn = gate()
  // Ann has read the empty stream and decided, and is slow to append.
  const ann = handle(store, 'seat-1', async (state) => {
    const event = decide('ann')(state)
    decided.open()
    await goOn.opened
    return event
  })
  await decided.opened
  await handle(store, 'seat-1', decide('bob'))
  goOn.open()
  const error = await errorOf(ann)
  const { events } = await store.readStream<Reserved>('seat-1')
  await store.close()
  return {
    shown: error === undefined && events.length === 2,
    observed: error
      ? told(error)
      : `both succeeded; the seat is reserved by ${events.map((e) => e.data.by).join(' and by ')}`,
  }
})
