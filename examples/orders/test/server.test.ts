import { expect, test } from 'vitest'
import type { ShopEvent } from '../src/read-model.js'
import { type OpenShop, openShop } from './fixtures.js'

const kettle = { customer: 'me', lines: [{ sku: 'kettle', quantity: 1 }] }
const unknown = '00000000-0000-4000-8000-000000000000'

/** An order that is confirmed. */
async function placeOrder({ post }: OpenShop, key?: string): Promise<string> {
  const { status, body } = await post('/orders', kettle, key)
  expect(status).toBe(201)
  return body.orderId as string
}

test('an order is placed, paid and shipped', async () => {
  const shop = await openShop({ kettle: 5 })
  const { post, get } = shop
  const placed = await post('/orders', kettle)
  expect(placed.status).toBe(201)
  const { orderId } = placed.body
  expect(placed.headers.get('Location')).toBe(`/orders/${orderId}`)
  expect(placed.body).toEqual({ orderId, status: 'confirmed', version: 2, total: 3490 })

  const paid = await post(`/orders/${orderId}/pay`, { amount: 3490 })
  expect(paid).toMatchObject({ status: 200, body: { status: 'paid', version: 3 } })
  const shipped = await post(`/orders/${orderId}/ship`, { carrier: 'Post' })
  expect(shipped).toMatchObject({ status: 200, body: { status: 'shipped', version: 4 } })

  const { body } = await get(`/orders/${orderId}`)
  const lines = [{ sku: 'kettle', quantity: 1, price: 3490 }]
  expect(body).toEqual({ orderId, status: 'shipped', lines, total: 3490, version: 4 })
  expect((await get('/stock/kettle')).body).toMatchObject({ available: 4 })
})

test('a cancelled order gives its stock and the money back', async () => {
  const shop = await openShop({ kettle: 1 })
  const { post, get } = shop
  const id = await placeOrder(shop)
  await post(`/orders/${id}/pay`, { amount: 3490 })
  expect((await get('/stock/kettle')).body.available).toBe(0)
  const cancelled = await post(`/orders/${id}/cancel`, { reason: 'too slow' })
  expect(cancelled).toMatchObject({ status: 200, body: { status: 'cancelled', version: 4 } })
  expect((await get('/stock/kettle')).body.available).toBe(1)
  const after = encodeURIComponent(cancelled.headers.get('Position')!)
  const { body } = await get(`/report?after=${after}`)
  expect(Object.values(body.revenueByDay)).toEqual([0])
})

test('the report that is asked for after an answer has seen it', async () => {
  const shop = await openShop({ kettle: 9 })
  const { post, get } = shop
  await placeOrder(shop)
  const id = await placeOrder(shop)
  const paid = await post(`/orders/${id}/pay`, { amount: 3490 })
  const after = encodeURIComponent(paid.headers.get('Position')!)
  const { body } = await get(`/report?after=${after}`)
  expect(body).toMatchObject({ ordersByStatus: { confirmed: 1, paid: 1 }, openOrders: 2 })
  expect(Object.values(body.revenueByDay)).toEqual([3490])
  expect((await get('/orders')).body[id]).toEqual({ customer: 'me', total: 3490, status: 'paid' })
})

test('what is not there is not found', async () => {
  const { post, get } = await openShop()
  for (const id of [unknown, 'x', '%24all']) {
    expect((await get(`/orders/${id}`)).status).toBe(404)
    expect((await post(`/orders/${id}/pay`, { amount: 1 })).status).toBe(404)
    expect((await post(`/orders/${id}/ship`, { carrier: 'Post' })).status).toBe(404)
    expect((await post(`/orders/${id}/cancel`, { reason: 'r' })).status).toBe(404)
  }
  expect((await get('/nothing')).status).toBe(404)
})

test('what the order is not ready for is refused, and leaves nothing behind', async () => {
  const shop = await openShop({ kettle: 5 })
  const { post, get } = shop
  const id = await placeOrder(shop)
  const ship = () => post(`/orders/${id}/ship`, { carrier: 'Post' })
  expect(await ship()).toMatchObject({
    status: 409,
    body: { error: 'An order that is confirmed cannot be shipped, only: paid' },
  })
  expect((await post(`/orders/${id}/pay`, { amount: 1 })).status).toBe(409)
  expect((await get(`/orders/${id}`)).body.version).toBe(2)
  await post(`/orders/${id}/pay`, { amount: 3490 })
  expect((await ship()).status).toBe(200)
  expect((await ship()).status).toBe(409)
  expect((await post(`/orders/${id}/cancel`, { reason: 'r' })).status).toBe(409)
  expect((await post(`/orders/${id}/pay`, { amount: 3490 })).status).toBe(409)
})

test('a repeated request gets the first answer, whatever happened since, and takes effect once', async () => {
  const shop = await openShop({ kettle: 5 })
  const { post, store } = shop
  const requests = ['place', 'pay', 'ship'] as const
  const id = await placeOrder(shop, 'place')
  const send = {
    place: () => post('/orders', kettle, 'place'),
    pay: () => post(`/orders/${id}/pay`, { amount: 3490 }, 'pay'),
    ship: () => post(`/orders/${id}/ship`, { carrier: 'Post' }, 'ship'),
  }
  await send.pay()
  await send.ship()
  const head = await store.headPosition()
  for (const request of requests) {
    const again = await send[request]()
    expect(again.headers.get('Idempotent-Replayed')).toBe('true')
    expect(again.status).toBe(request === 'place' ? 201 : 200)
    expect(again.body).toEqual(
      {
        place: { orderId: id, status: 'confirmed', version: 2, total: 3490 },
        pay: { orderId: id, status: 'paid', version: 3, total: 3490 },
        ship: { orderId: id, status: 'shipped', version: 4, total: 3490 },
      }[request],
    )
  }
  expect(await store.headPosition()).toBe(head)
})

test('the same key for another request is refused', async () => {
  const shop = await openShop({ kettle: 5 })
  await placeOrder(shop, 'key')
  const other = { customer: 'me', lines: [{ sku: 'kettle', quantity: 2 }] }
  expect((await shop.post('/orders', other, 'key')).status).toBe(422)
})

test('of two requests under the same key at the same time one is refused', async () => {
  const shop = await openShop({ kettle: 5 })
  const other = { customer: 'me', lines: [{ sku: 'kettle', quantity: 2 }] }
  const answers = await Promise.all([
    shop.post('/orders', kettle, 'key'),
    shop.post('/orders', other, 'key'),
  ])
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 422])
})

test('copies of a request at the same time get the same answer and take effect once', async () => {
  const shop = await openShop({ kettle: 9 })
  const orders = Array.from({ length: 8 }, () => shop.post('/orders', kettle, 'place'))
  const answers = await Promise.all(orders)
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
  expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1)
  const id = answers[0]!.body.orderId as string
  const payments = Array.from({ length: 8 }, () =>
    shop.post(`/orders/${id}/pay`, { amount: 3490 }, 'pay'),
  )
  for (const { status, body } of await Promise.all(payments)) {
    expect({ status, version: body.version }).toEqual({ status: 200, version: 3 })
  }
  expect(await shop.store.streamVersion(`Order-${id}`)).toBe(3)
  expect((await shop.get('/stock/kettle')).body.available).toBe(8)
})

test('of two different payments at the same time one is accepted', async () => {
  const shop = await openShop({ kettle: 5 })
  const id = await placeOrder(shop)
  const pay = (key: string) => shop.post(`/orders/${id}/pay`, { amount: 3490 }, key)
  const answers = await Promise.all([pay('one'), pay('two')])
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
})

test('no more is sold than there is', async () => {
  const shop = await openShop({ kettle: 10 })
  const answers = await Promise.all(Array.from({ length: 25 }, () => shop.post('/orders', kettle)))
  const confirmed = answers.filter(({ status }) => status === 201)
  const rejected = answers.filter(({ status }) => status === 409)
  expect([confirmed.length, rejected.length]).toEqual([10, 15])
  expect(rejected[0]!.body).toMatchObject({ status: 'rejected', version: 2 })
  expect((await shop.get('/stock/kettle')).body.available).toBe(0)
})

test('an order that lacks one product gives back what it had reserved of the others', async () => {
  const { post, get } = await openShop({ kettle: 5, mug: 1 })
  const lines = [
    { sku: 'kettle', quantity: 2 },
    { sku: 'mug', quantity: 1 },
    { sku: 'mug', quantity: 1 },
  ]
  const placed = await post('/orders', { customer: 'me', lines })
  expect(placed).toMatchObject({ status: 409, body: { status: 'rejected' } })
  expect((await get('/stock/kettle')).body.available).toBe(5)
  expect((await get('/stock/mug')).body.available).toBe(1)
})

test('a delivery is taken in once', async () => {
  const { post, get } = await openShop()
  const deliver = () => post('/stock/mug/deliveries', { quantity: 3 }, 'delivery-1')
  const answers = [await deliver(), ...(await Promise.all([deliver(), deliver()]))]
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
  expect((await get('/stock/mug')).body.available).toBe(3)
})

test('each event tells which request it belongs to and what caused it', async () => {
  const { url, store } = await openShop({ kettle: 5 })
  await fetch(`${url}/orders`, {
    method: 'POST',
    headers: { 'Idempotency-Key': 'k', 'X-Correlation-Id': 'visit-7' },
    body: JSON.stringify(kettle),
  })
  const events = await store
    .readAll<ShopEvent>({ filter: { types: ['OrderPlaced', 'StockReserved', 'OrderConfirmed'] } })
    .toArray()
  const [placed, reserved, confirmed] = events
  expect(events.map(({ metadata }) => metadata.correlationId)).toEqual(Array(3).fill('visit-7'))
  expect(placed!.metadata).toMatchObject({ operation: 'place', idempotencyKey: 'k' })
  expect(reserved!.metadata.causationId).toBe(placed!.id)
  expect(confirmed!.metadata.causationId).toBe(placed!.id)
})

test.each([
  ['/orders', 'text'],
  ['/orders', null],
  ['/orders', { customer: '', lines: [{ sku: 'kettle', quantity: 1 }] }],
  ['/orders', { customer: 'me' }],
  ['/orders', { customer: 'me', lines: [] }],
  ['/orders', { customer: 'me', lines: [null] }],
  ['/orders', { customer: 'me', lines: [{ sku: 'yacht', quantity: 1 }] }],
  ['/orders', { customer: 'me', lines: [{ sku: 'kettle', quantity: 0 }] }],
  ['/orders', { customer: 'me', lines: [{ sku: 'kettle', quantity: 1.5 }] }],
  [`/orders/${unknown}/pay`, { amount: '3490' }],
  [`/orders/${unknown}/ship`, {}],
  ['/stock/yacht/deliveries', { quantity: 1 }],
  ['/stock/mug/deliveries', { quantity: -1 }],
])('what cannot be understood is refused: %s %j', async (path, body) => {
  const { post, store } = await openShop()
  const answer = await post(path, body)
  expect(answer).toMatchObject({ status: 400, body: { error: expect.any(String) } })
  expect(await store.headPosition()).toBeNull()
})

test('a key must be of a bearable length', async () => {
  const { post } = await openShop({ kettle: 1 })
  expect((await post('/orders', kettle, 'k'.repeat(201))).status).toBe(400)
  expect((await post('/orders', kettle, 'k'.repeat(200))).status).toBe(201)
})

test('while the store cannot be reached, the customer is asked to come again', async () => {
  const { post, get, store } = await openShop({ kettle: 1 })
  await store.close()
  expect(await post('/orders', kettle)).toMatchObject({ status: 503, body: { cause: 'CLOSED' } })
  expect((await get('/stock/kettle')).status).toBe(503)
})
