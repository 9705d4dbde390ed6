import type { Client, Reply } from './client.js'
import type { Day, Delivery, Plan } from './plan.js'

export interface TradeOptions {
  /** Makes the day's Idempotency-Keys its own. */
  readonly name: string
  /** How many customers are served at once. */
  readonly customersAtOnce: number
  /** Called when so many customers have been served. */
  readonly onServed: (served: number) => void
}

/** Serves all the customers of a day, and takes its deliveries in. */
export async function trade(client: Client, day: Day, options: TradeOptions): Promise<void> {
  const deliveries = [...day.deliveries]
  let next = 0
  let served = 0
  await deliver(client, due(deliveries, 0), options.name)
  const serve = async () => {
    while (next < day.plans.length) {
      const index = next++
      const key = `${options.name}/order-${index + 1}`
      await new Customer(client, day.plans[index]!, key).buy()
      served++
      options.onServed(served)
      await deliver(client, due(deliveries, served), options.name)
    }
  }
  await Promise.all(Array.from({ length: options.customersAtOnce }, serve))
}

function due(deliveries: Delivery[], served: number): Delivery[] {
  const count = deliveries.findIndex(({ afterOrders }) => afterOrders > served)
  return deliveries.splice(0, count === -1 ? deliveries.length : count)
}

/** Every delivery is announced twice, and must be taken in once. */
async function deliver(client: Client, deliveries: Delivery[], name: string): Promise<void> {
  for (const { sku, quantity, afterOrders } of deliveries) {
    const key = `${name}/delivery-${afterOrders}-${sku}`
    const send = () => client.post(`/stock/${sku}/deliveries`, { quantity }, key, key)
    client.tally.duplicates++
    const [first, second] = await Promise.all([send(), send()])
    client.expectSame(key, first, second)
  }
}

class Customer {
  #requests = 0
  #path = ''
  #total = 0

  constructor(
    private readonly client: Client,
    private readonly plan: Plan,
    private readonly key: string,
  ) {}

  async buy(): Promise<void> {
    const { client, plan, key } = this
    const order = { customer: plan.customer, lines: plan.lines }
    const place = () => this.#send('place', '/orders', order, 'place')
    const placed = await place()
    if (placed.status === 409 && placed.body.status === 'rejected') return
    this.#expect('place', placed, 201)
    this.#path = `/orders/${placed.body.orderId}`
    this.#total = placed.body.total as number
    await this.#goOn()
    if (plan.repeatsAtTheEnd) {
      client.tally.duplicates++
      const again = await client.post('/orders', order, `${key}/place`, key)
      client.expectSame(`place ${key} at the end`, placed, again)
    }
  }

  async #goOn(): Promise<void> {
    switch (this.plan.course) {
      case 'complete':
        this.#expect('pay', await this.#pay(), 200)
        this.#expect('ship', await this.#ship(), 200)
        return
      case 'leftUnpaid':
        return
      case 'shippedTooEarly':
        this.#expect('ship before paying', await this.#ship('ship-too-early'), 409)
        this.#expect('pay', await this.#pay(), 200)
        this.#expect('ship', await this.#ship(), 200)
        return
      case 'paidTwiceAtOnce':
        this.#expectOneOf('pay twice', await Promise.all([this.#pay(), this.#pay('pay-again')]))
        this.#expect('ship', await this.#ship(), 200)
        return
      case 'cancelled':
        this.#expect('cancel', await this.#cancel(), 200)
        return
      case 'cancelledAfterPaying':
        this.#expect('pay', await this.#pay(), 200)
        this.#expect('cancel', await this.#cancel(), 200)
        return
      case 'shippedOrCancelled':
        this.#expect('pay', await this.#pay(), 200)
        this.#expectOneOf('ship or cancel', await Promise.all([this.#ship(), this.#cancel()]))
    }
  }

  #pay(name = 'pay'): Promise<Reply> {
    return this.#send('pay', `${this.#path}/pay`, { amount: this.#total }, name)
  }

  #ship(name = 'ship'): Promise<Reply> {
    return this.#send('ship', `${this.#path}/ship`, { carrier: 'Parcel Post' }, name)
  }

  #cancel(): Promise<Reply> {
    return this.#send('cancel', `${this.#path}/cancel`, { reason: 'changed my mind' }, 'cancel')
  }

  #send(
    operation: 'place' | 'pay' | 'ship' | 'cancel',
    path: string,
    body: object,
    name: string,
  ): Promise<Reply> {
    const sending = this.plan.sending[this.#requests++] ?? 'once'
    return this.client.order(operation, path, body, `${this.key}/${name}`, sending, this.key)
  }

  #expect(what: string, reply: Reply, status: number): void {
    if (reply.status !== status) this.#surprise(what, reply)
  }

  #expectOneOf(what: string, replies: readonly Reply[]): void {
    const statuses = replies.map(({ status }) => status).sort()
    if (statuses.join() !== '200,409') this.#surprise(what, replies)
  }

  #surprise(what: string, replies: unknown): void {
    this.client.tally.surprises.push(`${this.key}: ${what}: ${JSON.stringify(replies)}`)
  }
}
