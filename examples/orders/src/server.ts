import { randomUUID } from 'node:crypto'
import { isEventStoreError } from 'annals'
import { type Context, Hono } from 'hono'
import { productOf } from './catalogue.js'
import type { OrderService } from './order-service.js'
import {
  cancel,
  type OrderEvent,
  type OrderLine,
  type OrderState,
  pay,
  place,
  ship,
} from './orders.js'
import type { Projection } from './projection.js'
import { Refusal } from './refusal.js'
import { type Operation, orderRequest } from './request.js'
import { Trail } from './trail.js'

/** How long GET /report?after= waits for the read model. */
const reportPatienceMs = 10_000

/** The shop over HTTP. */
export function createServer(service: OrderService, projection: Projection): Hono {
  const app = new Hono()

  app.post('/orders', async (context) => {
    const body = await bodyOf(context)
    const order = { customer: textIn(body, 'customer'), lines: linesIn(body) }
    return handle(context, service, 'place', null, order, (state) => place(state, order))
  })

  app.post('/orders/:id/pay', async (context) => {
    const amount = integerIn(await bodyOf(context), 'amount')
    const id = orderIdOf(context)
    return handle(context, service, 'pay', id, { amount }, (state) => pay(state, amount))
  })

  app.post('/orders/:id/ship', async (context) => {
    const carrier = textIn(await bodyOf(context), 'carrier')
    const id = orderIdOf(context)
    return handle(context, service, 'ship', id, { carrier }, (state) => ship(state, carrier))
  })

  app.post('/orders/:id/cancel', async (context) => {
    const reason = textIn(await bodyOf(context), 'reason')
    const id = orderIdOf(context)
    return handle(context, service, 'cancel', id, { reason }, (state) => cancel(state, reason))
  })

  app.get('/orders/:id', async (context) => {
    const orderId = orderIdOf(context)
    const order = await service.view(orderId)
    if (!order) throw new Refusal('notFound', 'There is no such order')
    return context.json({ orderId, ...order })
  })

  app.get('/orders', (context) => context.json(projection.model.openOrders))

  app.post('/stock/:sku/deliveries', async (context) => {
    const quantity = integerIn(await bodyOf(context), 'quantity')
    const sku = skuIn(context.req.param('sku'))
    const deliveryId = keyOf(context)
    const trail = new Trail()
    const { repeated } = await service.receive(sku, deliveryId, quantity, trail)
    return context.json({ sku, deliveryId, quantity }, 201, headersOf(trail, repeated))
  })

  app.get('/stock/:sku', async (context) => {
    const sku = skuIn(context.req.param('sku'))
    return context.json({ sku, ...(await service.stock(sku)) })
  })

  // With ?after= the value of an answer's Position header, the report has seen what that answer tells.
  app.get('/report', async (context) => {
    const after = context.req.query('after')
    if (after !== undefined) await projection.reached(after, AbortSignal.timeout(reportPatienceMs))
    const { events, ordersByStatus, revenueByDay, openOrders } = projection.model
    return context.json({
      position: projection.position,
      events,
      ordersByStatus,
      revenueByDay,
      openOrders: Object.keys(openOrders).length,
    })
  })

  app.notFound((context) => context.json({ error: 'There is nothing at this address' }, 404))
  app.onError((error, context) => {
    if (error instanceof Refusal) {
      return context.json({ error: error.message }, statusOf[error.reason])
    }
    const again = isPassing(error)
    if (!again) console.error(error)
    return context.json(
      again
        ? { error: 'Not now. Repeat the request with the same Idempotency-Key.', cause: again }
        : { error: 'The service failed' },
      again ? 503 : 500,
    )
  })
  return app
}

const statusOf = { malformed: 400, notFound: 404, illegal: 409, keyReused: 422 } as const

/** The code of a failure after which the same request may succeed; its ids make sure that it takes effect once. */
function isPassing(error: unknown): string | undefined {
  if (error instanceof DOMException && error.name === 'TimeoutError') return error.name
  if (!isEventStoreError(error)) return undefined
  const passing = ['UNAVAILABLE', 'UNKNOWN_OUTCOME', 'WRONG_EXPECTED_VERSION', 'CLOSED']
  return passing.includes(error.code) ? error.code : undefined
}

async function handle(
  context: Context,
  service: OrderService,
  operation: Operation,
  orderId: string | null,
  content: unknown,
  decide: (state: OrderState) => OrderEvent,
): Promise<Response> {
  const correlationId = context.req.header('X-Correlation-Id')
  const request = orderRequest(operation, orderId, content, keyOf(context), correlationId)
  const trail = new Trail()
  const { answer, repeated } = await service.handle(request, trail, decide)
  const headers = headersOf(trail, repeated)
  if (operation !== 'place') return context.json(answer, 200, headers)
  const location = { ...headers, Location: `/orders/${answer.orderId}` }
  return context.json(answer, answer.status === 'rejected' ? 409 : 201, location)
}

function headersOf(trail: Trail, repeated: boolean): Record<string, string> {
  return {
    Conflicts: String(trail.conflicts),
    Position: trail.position ?? '',
    ...(repeated ? { 'Idempotent-Replayed': 'true' } : {}),
  }
}

/** Without the header, each request is one of its own. */
function keyOf(context: Context): string {
  const key = context.req.header('Idempotency-Key') ?? randomUUID()
  if (key === '' || key.length > 200) {
    throw new Refusal('malformed', 'Idempotency-Key must have 1 to 200 characters')
  }
  return key
}

function orderIdOf(context: Context): string {
  const id = context.req.param('id') ?? ''
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) {
    throw new Refusal('notFound', 'There is no such order')
  }
  return id
}

async function bodyOf(context: Context): Promise<Record<string, unknown>> {
  const body: unknown = await context.req.json().catch(() => undefined)
  if (typeof body !== 'object' || body === null) {
    throw new Refusal('malformed', 'The body must be a JSON object')
  }
  return body as Record<string, unknown>
}

function textIn(body: Record<string, unknown>, name: string): string {
  const text = body[name]
  if (typeof text !== 'string' || text === '' || text.length > 200) {
    throw new Refusal('malformed', `"${name}" must be a text of 1 to 200 characters`)
  }
  return text
}

function integerIn(body: Record<string, unknown>, name: string): number {
  const value = body[name]
  if (!Number.isSafeInteger(value) || (value as number) < 1) {
    throw new Refusal('malformed', `"${name}" must be a whole number above 0`)
  }
  return value as number
}

function skuIn(sku: unknown): string {
  if (typeof sku !== 'string' || !productOf(sku)) {
    throw new Refusal('malformed', `The shop has no product ${JSON.stringify(sku)}`)
  }
  return sku
}

/** One line a product, at today's price. */
function linesIn(body: Record<string, unknown>): OrderLine[] {
  const lines = new Map<string, OrderLine>()
  if (!Array.isArray(body.lines) || body.lines.length === 0 || body.lines.length > 50) {
    throw new Refusal('malformed', '"lines" must be a list of 1 to 50 lines')
  }
  for (const line of body.lines as Record<string, unknown>[]) {
    const sku = skuIn(line?.sku)
    const quantity = integerIn(line, 'quantity') + (lines.get(sku)?.quantity ?? 0)
    lines.set(sku, { sku, quantity, price: productOf(sku)!.price })
  }
  return [...lines.values()]
}
