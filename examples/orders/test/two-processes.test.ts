import { type EventStore, openEventStore } from 'annals'
import { expect, onTestFinished, test } from 'vitest'
import { OrderService } from '../src/order-service.js'
import { cancel, pay, place, ship } from '../src/orders.js'
import { orderRequest } from '../src/request.js'
import { Trail } from '../src/trail.js'

// Two services on one store: what one has in memory grows old when the other writes.
async function twoServices(): Promise<{ store: EventStore; one: Deeds; other: Deeds }> {
  const store = await openEventStore('memory:')
  onTestFinished(() => store.close())
  const one = deedsOf(new OrderService(store))
  const other = deedsOf(new OrderService(store))
  await one.service.receive('mug', 'delivery', 5, new Trail())
  return { store, one, other }
}

type Deeds = ReturnType<typeof deedsOf>

function deedsOf(service: OrderService) {
  const order = { customer: 'me', lines: [{ sku: 'mug', quantity: 1, price: 890 }] }
  return {
    service,
    place: (key: string) =>
      service.handle(orderRequest('place', null, order, key, undefined), new Trail(), (state) =>
        place(state, order),
      ),
    pay: (id: string, key: string) =>
      service.handle(orderRequest('pay', id, 890, key, undefined), new Trail(), (state) =>
        pay(state, 890),
      ),
    ship: (id: string, carrier: string, key: string) =>
      service.handle(orderRequest('ship', id, carrier, key, undefined), new Trail(), (state) =>
        ship(state, carrier),
      ),
    cancel: (id: string, key: string) =>
      service.handle(orderRequest('cancel', id, 'r', key, undefined), new Trail(), (state) =>
        cancel(state, 'r'),
      ),
  }
}

test('a request that the other service has carried out is not carried out again', async () => {
  const { store, one, other } = await twoServices()
  const placed = await one.place('place')
  expect((await other.place('place')).answer).toEqual(placed.answer)
  const { orderId } = placed.answer
  const paid = await one.pay(orderId, 'pay')
  await one.ship(orderId, 'Post', 'ship')
  const head = await store.headPosition()
  expect((await other.pay(orderId, 'pay')).answer).toEqual(paid.answer)
  expect(await store.headPosition()).toBe(head)
})

test('what the other service has made impossible is refused', async () => {
  const { one, other } = await twoServices()
  const { orderId } = (await one.place('place')).answer
  await other.pay(orderId, 'pay')
  await one.cancel(orderId, 'cancel')
  await expect(other.ship(orderId, 'Post', 'ship')).rejects.toMatchObject({ reason: 'illegal' })
})

test('what the other service has made possible is not refused', async () => {
  const { one, other } = await twoServices()
  const { orderId } = (await one.place('place')).answer
  await expect(other.ship(orderId, 'Post', 'ship')).rejects.toMatchObject({ reason: 'illegal' })
  await one.pay(orderId, 'pay')
  expect((await other.ship(orderId, 'Post', 'ship')).answer.status).toBe('shipped')
})

test('a key that the other service has seen with other content is refused', async () => {
  const { one, other } = await twoServices()
  const { orderId } = (await one.place('place')).answer
  await other.pay(orderId, 'pay')
  await one.ship(orderId, 'Post', 'ship')
  const reused = other.ship(orderId, 'Express', 'ship')
  await expect(reused).rejects.toMatchObject({ reason: 'keyReused' })
})

test('both at once sell no more than there is', async () => {
  const { store, one, other } = await twoServices()
  const orders = Array.from({ length: 12 }, (_, index) =>
    (index % 2 === 0 ? one : other).place(`order-${index}`),
  )
  const statuses = (await Promise.all(orders)).map(({ answer }) => answer.status)
  expect(statuses.filter((status) => status === 'confirmed')).toHaveLength(5)
  expect(await new OrderService(store).stock('mug')).toMatchObject({ available: 0 })
})
