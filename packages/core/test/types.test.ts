import { expectTypeOf, it } from 'vitest'
import { type EventMetadata, memoryStore, type NewEvent, type RecordedEvent } from '../src/index.js'

type OrderEvent =
  | { type: 'OrderPlaced'; data: { total: number } }
  | { type: 'OrderShipped'; data: { carrier: string }; metadata: { correlationId: string } }

it('narrows data by type', async () => {
  const store = memoryStore()
  await store.append<OrderEvent>('Order-1', [
    { type: 'OrderPlaced', data: { total: 3 } },
    { type: 'OrderShipped', data: { carrier: 'post' }, metadata: { correlationId: 'c' } },
  ])
  for await (const event of store.readStream<OrderEvent>('Order-1')) {
    if (event.type === 'OrderPlaced') expectTypeOf(event.data).toEqualTypeOf<{ total: number }>()
    else {
      expectTypeOf(event.data).toEqualTypeOf<{ carrier: string }>()
      expectTypeOf(event.metadata.correlationId).toEqualTypeOf<string>()
    }
  }
  for await (const message of store.subscribeToAll<OrderEvent>()) {
    if (message.kind === 'event')
      expectTypeOf(message.event).toEqualTypeOf<RecordedEvent<OrderEvent>>()
    else expectTypeOf(message.position).toEqualTypeOf<string>()
    break
  }
  await store.close()
})

it('refuses an event that the union does not know', () => {
  // @ts-expect-error the data of another type
  const wrong: NewEvent<OrderEvent> = { type: 'OrderPlaced', data: { carrier: 'post' } }
  // @ts-expect-error an unknown type
  const unknown: NewEvent<OrderEvent> = { type: 'OrderLost', data: {} }
  expectTypeOf([wrong, unknown]).toBeArray()
})

it('demands metadata that the shape demands, and reads what may be left out as partial', async () => {
  type Traced = { type: 'A'; data: 1; metadata: { correlationId: string } }
  type Noted = { type: 'B'; data: 2; metadata?: { note: string } }
  // @ts-expect-error the shape demands metadata
  const without: NewEvent<Traced> = { type: 'A', data: 1 }
  const fine: NewEvent<Noted> = { type: 'B', data: 2 }
  expectTypeOf([without, fine]).toBeArray()
  expectTypeOf<RecordedEvent<Noted>['metadata']>().toEqualTypeOf<{ note?: string }>()
  expectTypeOf<RecordedEvent<{ type: 'C'; data: 3 }>['metadata']>().toEqualTypeOf<EventMetadata>()
})
