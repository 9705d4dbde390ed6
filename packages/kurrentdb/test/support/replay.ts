import { randomUUID } from 'node:crypto'
import {
  type AppendResult,
  type AppendStreamState,
  type EventData,
  jsonEvent,
  KurrentDBClient,
  type ReadStreamOptions,
} from '@kurrent/kurrentdb-client'

/** An observation: what was done, and how the client showed the server's answer. */
export interface Row {
  readonly section: string
  readonly what: string
  readonly result: string
}

type Client = Pick<
  KurrentDBClient,
  | 'appendToStream'
  | 'deleteStream'
  | 'tombstoneStream'
  | 'readStream'
  | 'readAll'
  | 'getStreamMetadata'
>
type Attempt = { ok: boolean; text: string; result?: AppendResult }
type Position = { commit: bigint; prepare: bigint } | undefined

const stream = (prefix: string) => `${prefix}-${randomUUID()}`
const event = (id: string = randomUUID(), n = 0, type = 'T') =>
  jsonEvent({ id, type, data: { n } }) as EventData
const events = (count: number) => Array.from({ length: count }, (_, i) => event(undefined, i))
const show = (position: Position) =>
  position === undefined
    ? 'undefined'
    : position.commit === position.prepare
      ? `${position.commit}`
      : `c${position.commit}/p${position.prepare}`
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

async function attempt(work: () => Promise<unknown>): Promise<Attempt> {
  try {
    const result = await work()
    if (typeof result === 'object' && result !== null && 'success' in result) {
      const appended = result as AppendResult
      const { success, nextExpectedRevision, position } = appended
      const text = `ok success=${success} next=${nextExpectedRevision} pos=${show(position)}`
      return { ok: success, result: appended, text }
    }
    return { ok: true, text: `ok ${result === undefined ? '' : String(result)}` }
  } catch (error) {
    const fields = error as Record<string, unknown>
    const name = (error as Error).constructor.name
    const told = ['type', 'expectedState', 'actualState', 'code']
      .filter((key) => fields[key] !== undefined)
      .map((key) => `${key}=${String(fields[key])}`)
    const message = /Unknown|^Error$|Timeout/.test(name)
      ? ` msg=${(error as Error).message.slice(0, 160)}`
      : ''
    return { ok: false, text: `${name} {${told.join(' ')}}${message}` }
  }
}

async function read(client: Client, name: string, options: ReadStreamOptions = {}) {
  const out = []
  for await (const { event } of client.readStream(name, { maxCount: 100_000, ...options }))
    if (event) out.push(event)
  return out
}

async function count(client: Client, name: string): Promise<string> {
  try {
    return String((await read(client, name)).length)
  } catch (error) {
    return (error as Error).constructor.name
  }
}

const append = (client: Client, name: string, what: EventData | EventData[], state: unknown) =>
  attempt(() => client.appendToStream(name, what, { streamState: state as AppendStreamState }))

/** Streams in each of the states that an append can meet. */
const states: Readonly<Record<string, (client: Client) => Promise<string>>> = {
  never: async () => stream('never'),
  live2: async (client) => {
    const name = stream('live')
    await client.appendToStream(name, events(3))
    return name
  },
  soft2: async (client) => {
    const name = stream('soft')
    await client.appendToStream(name, events(3))
    await client.deleteStream(name)
    return name
  },
  tomb2: async (client) => {
    const name = stream('tomb')
    await client.appendToStream(name, events(3))
    await client.tombstoneStream(name)
    return name
  },
}

/** Asks a server, through the raw client, what the servers of test/observed were asked, in the same words. */
export async function replay(url: string, sections: readonly string[]): Promise<Row[]> {
  const rows: Row[] = []
  const row = (section: string, what: string, result: string) =>
    rows.push({ section, what, result })
  const made: KurrentDBClient[] = []
  const connect = (more = '') => {
    const client = KurrentDBClient.connectionString(`${url}${more}`)
    made.push(client)
    return client
  }
  // The client leaves its batch path only for per-call credentials.
  const unary = (client: KurrentDBClient): Client =>
    new Proxy(client, {
      get(target, key) {
        if (key === 'appendToStream')
          return (name: string, what: EventData, options = {}) =>
            target.appendToStream(name, what, {
              ...options,
              credentials: { username: 'admin', password: 'changeit' },
            })
        const value: unknown = Reflect.get(target, key)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  try {
    const batch = connect()
    const paths: [string, Client][] = [
      ['batch', batch],
      ['unary', unary(connect())],
    ]
    for (const [path, client] of paths) {
      if (sections.includes('table')) await table(client, (w, r) => row(`table/${path}`, w, r))
      if (sections.includes('idem')) await idem(client, (w, r) => row(`idem/${path}`, w, r))
      if (sections.includes('parallel'))
        await parallel(client, connect, (w, r) => row(`parallel/${path}`, w, r))
    }
    if (sections.includes('nothrow')) {
      const quiet = connect('&throwOnAppendFailure=false')
      await nothrow(quiet, (w, r) => row('nothrow/batch', w, r))
      await nothrow(unary(quiet), (w, r) => row('nothrow/unary', w, r))
    }
    if (sections.includes('reads')) await reads(batch, paths[1]![1], (w, r) => row('reads', w, r))
    if (sections.includes('pos')) await positions(batch, paths[1]![1], (w, r) => row('pos', w, r))
    if (sections.includes('sub')) await subscriptions(batch, (w, r) => row('sub', w, r))
  } finally {
    for (const client of made) await client.dispose()
  }
  return rows
}

type Note = (what: string, result: string) => void

async function table(client: Client, note: Note): Promise<void> {
  for (const [state, make] of Object.entries(states))
    for (const expected of ['any', 'no_stream', 'stream_exists', 0n, 1n, 2n, 3n]) {
      const name = await make(client)
      const result = await append(client, name, event(), expected)
      const after = await attempt(async () =>
        (await read(client, name)).map(({ revision }) => String(revision)).join(','),
      )
      note(`${state} expect=${expected}`, `${result.text}   | readable after: ${after.text}`)
    }
}

async function reads(client: KurrentDBClient, unary: Client, note: Note): Promise<void> {
  for (const [state, make] of Object.entries(states)) {
    const name = await make(client)
    const forwards = await attempt(async () => (await read(client, name)).length)
    note(`${state} readStream fwd`, forwards.text)
    const last = { direction: 'backwards', fromRevision: 'end', maxCount: 1 } as const
    const backwards = await attempt(async () =>
      (await read(client, name, last)).map(({ revision }) => String(revision)).join(),
    )
    note(`${state} readStream bwd from end max1`, backwards.text)
    const deleted = async () => `pos ${show((await client.deleteStream(name)).position)}`
    note(`${state} deleteStream any`, (await attempt(deleted)).text)
    const tombstoned = async () => `pos ${show((await client.tombstoneStream(name)).position)}`
    note(`${state} tombstone any (after)`, (await attempt(tombstoned)).text)
  }
  const name = await states.live2!(client)
  const from = (fromRevision: bigint) =>
    attempt(async () => (await read(client, name, { fromRevision })).length)
  note('live2 readStream fwd from 3 (one past end)', (await from(3n)).text)
  note('live2 readStream fwd from 10', (await from(10n)).text)
  note('live2 append of zero events, any', (await append(client, name, [], 'any')).text)
  note('never append of zero events, any', (await append(client, stream('zero'), [], 'any')).text)
  note('live2 append of zero events, rev 0 (stale)', (await append(client, name, [], 0n)).text)
  const big = (bytes: number) => ({ ...event(), data: { b: 'x'.repeat(bytes) } }) as EventData
  const write = (by: Client, what: EventData | EventData[]) =>
    append(by, stream('big'), what, 'any')
  note('append 1.2 MiB event', (await write(client, big(1_200_000))).text)
  note('append 1.2 MiB event (unary)', (await write(unary, big(1_200_000))).text)
  note('append 900 KiB event', (await write(client, big(900_000))).text)
  const three = [big(500_000), big(500_000), big(500_000)]
  note('append 3 x 500 KiB events (one append)', (await write(client, three)).text)
  note('append 2000 small events in one append', (await write(client, events(2000))).text)
  const upper = randomUUID().toUpperCase()
  const kept = await attempt(async () => {
    const name = stream('uc')
    await client.appendToStream(name, event(upper))
    return `lowercased: ${(await read(client, name))[0]?.id === upper.toLowerCase()}`
  })
  note('uppercase id stored as', kept.text)
  note('non-uuid id', (await append(client, stream('badid'), event('not-a-uuid'), 'any')).text)
  note(
    'non-uuid id (unary)',
    (await append(unary, stream('badid'), event('not-a-uuid'), 'any')).text,
  )
}

async function nothrow(client: Client, note: Note): Promise<void> {
  const name = await states.live2!(client)
  note('live2 expect=no_stream', (await append(client, name, event(), 'no_stream')).text)
  note('live2 expect=0', (await append(client, name, event(), 0n)).text)
  note('never expect=0', (await append(client, stream('x'), event(), 0n)).text)
  const exists = await append(client, stream('x'), event(), 'stream_exists')
  note('never expect=stream_exists', exists.text)
  const gone = await append(client, await states.tomb2!(client), event(), 'any')
  note('tomb2 expect=any', gone.text)
}

async function idem(client: Client, note: Note): Promise<void> {
  const base = async () => {
    const name = stream('idem')
    await client.appendToStream(name, events(2))
    return name
  }
  for (const x of ['any', 'stream_exists', 1n, 'no_stream']) {
    const start = async () => (x === 'no_stream' ? stream('idem') : base())
    const [c, d, y] = [event(), event(), event()]
    {
      const name = await start()
      const first = await append(client, name, [c, d], x)
      note(`${x}: [c,d] first`, `${first.text} count=${await count(client, name)}`)
      const again = await append(client, name, [c, d], x)
      note(`${x}: [c,d] repeat at once`, `${again.text} count=${await count(client, name)}`)
      await client.appendToStream(name, events(2))
      const cases: [string, EventData[]][] = [
        ['[c,d] repeat after 2 other events', [c, d]],
        ['[c] (prefix) after others', [c]],
        ['[d] (suffix) after others', [d]],
        ['[d,c] (reversed)', [d, c]],
        ['[c,x] (old then new)', [c, y]],
        ['[c,d,x] (superset)', [c, d, y]],
        [
          "[c',d'] same ids other content",
          [{ ...c, data: { other: 'content' } } as EventData, { ...d, type: 'Other' } as EventData],
        ],
        ['[x,c] (new then old)', [y, c]],
      ]
      for (const [what, ids] of cases) {
        const before = await count(client, name)
        const { text } = await append(client, name, ids, x)
        note(`${x}: ${what}`, `${text} count ${before}->${await count(client, name)}`)
      }
    }
    {
      const name = await start()
      const e = event()
      const twice = [e, { ...e, data: { n: 2 } } as EventData]
      const first = await append(client, name, twice, x)
      note(
        `${x}: [e,e] equal ids in one append`,
        `${first.text} count=${await count(client, name)}`,
      )
      const again = await append(client, name, twice, x)
      note(`${x}: [e,e] repeated`, `${again.text} count=${await count(client, name)}`)
      const one = await append(client, name, e, x)
      note(`${x}: [e] after [e,e]`, `${one.text} count=${await count(client, name)}`)
    }
    {
      const [one, two] = [await start(), await start()]
      const e = event()
      await append(client, one, e, x)
      const before = await count(client, two)
      const other = await append(client, two, e, x)
      note(
        `${x}: same id to a different stream`,
        `${other.text} count ${before}->${await count(client, two)}`,
      )
      const first = await count(client, one)
      const again = await append(client, one, e, x)
      note(
        `${x}: then repeat in the FIRST stream`,
        `${again.text} count ${first}->${await count(client, one)}`,
      )
    }
    {
      const soft = await start()
      const e = event()
      await append(client, soft, e, x)
      await client.deleteStream(soft)
      const again = await append(client, soft, e, x)
      note(`${x}: repeat after soft delete`, `${again.text} readable=${await count(client, soft)}`)
      const tomb = await start()
      const f = event()
      await append(client, tomb, f, x)
      await client.tombstoneStream(tomb)
      const late = await append(client, tomb, f, x)
      note(`${x}: repeat after tombstone`, `${late.text} readable=${await count(client, tomb)}`)
    }
  }
  for (const first of ['any', 1n])
    for (const then of ['any', 'stream_exists', 'no_stream', 0n, 1n, 2n, 3n, 4n]) {
      const name = await base()
      const pair = events(2)
      await append(client, name, pair, first)
      const before = await count(client, name)
      const again = await append(client, name, pair, then)
      note(
        `orig ${first} [c,d]->rev 2,3 ; repeat with ${then}`,
        `${again.text} count ${before}->${await count(client, name)}`,
      )
    }
  const name = stream('dup')
  const e = event()
  await append(client, name, e, 'no_stream')
  const current = await append(client, name, e, 0n)
  note(
    'E with no_stream, repeat with expect=0 (now current)',
    `${current.text} count=${await count(client, name)}`,
  )
  const any = await append(client, name, e, 'any')
  note('then E with any (id now twice)', `${any.text} count=${await count(client, name)}`)
  const none = await append(client, name, e, 'no_stream')
  note('then E with no_stream', `${none.text} count=${await count(client, name)}`)
}

async function parallel(client: Client, connect: () => KurrentDBClient, note: Note): Promise<void> {
  const tally = (results: readonly Attempt[]) => {
    const kinds: Record<string, number> = {}
    for (const { ok, text } of results) {
      const kind = ok ? 'ok' : text
      kinds[kind] = (kinds[kind] ?? 0) + 1
    }
    // Which of twenty is answered first is chance: the successes come first here, then the rest by name.
    const { ok, ...rest } = kinds
    const sorted = Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))
    return JSON.stringify({ ...(ok && { ok }), ...Object.fromEntries(sorted) })
  }
  const twenty = (work: (i: number) => Promise<Attempt>) =>
    Promise.all(Array.from({ length: 20 }, (_, i) => work(i)))
  {
    const name = stream('par')
    const results = await twenty(() => append(client, name, event(), 'any'))
    const next = results.map(({ result }) => Number(result?.nextExpectedRevision))
    note(
      '20 parallel any (new stream)',
      `${tally(results)} next distinct=${new Set(next).size} min=${Math.min(...next)} max=${Math.max(...next)} count=${await count(client, name)}`,
    )
  }
  {
    const name = stream('par')
    await client.appendToStream(name, event())
    const results = await twenty(() => append(client, name, event(), 0n))
    note('20 parallel expect=0', `${tally(results)} count=${await count(client, name)}`)
  }
  {
    const name = stream('par')
    const results = await twenty(() => append(client, name, event(), 'no_stream'))
    note('20 parallel no_stream', `${tally(results)} count=${await count(client, name)}`)
  }
  for (const expected of ['any', 'no_stream']) {
    const name = stream('par')
    const e = event()
    await twenty(() => append(client, name, e, expected))
    note(`20 parallel ${expected}, SAME event id`, `count=${await count(client, name)}`)
  }
  {
    const name = stream('par')
    const clients = Array.from({ length: 4 }, () => connect())
    const results = await twenty((i) => append(clients[i % 4]!, name, event(), 'any'))
    note('20 parallel any over 4 clients', `${tally(results)} count=${await count(client, name)}`)
  }
}

async function positions(client: KurrentDBClient, unary: Client, note: Note): Promise<void> {
  const name = stream('pos')
  const first = await client.appendToStream(name, events(5))
  await client.appendToStream(name, event())
  const kept = await read(client, name)
  const at = (i: number) => kept[i]!.position as { commit: bigint; prepare: bigint }
  note(
    'append result position vs last event position',
    `result is event[4]: ${show(first.position) === show(at(4))}`,
  )
  note(
    'commit==prepare for every event (batch)',
    String(kept.every(({ position }) => position?.commit === position?.prepare)),
  )
  const tag = randomUUID()
  const before = (await client.appendToStream(stream('mark'), event())).position!
  await Promise.all(
    Array.from({ length: 40 }, (_, i) =>
      (i % 2 ? client : unary).appendToStream(`adj-${tag}-${i}`, events(7)),
    ),
  )
  const seen: { streamId: string; position: { commit: bigint; prepare: bigint } }[] = []
  for await (const { event } of client.readAll({ fromPosition: before, maxCount: 100_000 }))
    if (event?.streamId.startsWith(`adj-${tag}`)) seen.push(event)
  const runs = seen.filter((e, i) => e.streamId !== seen[i - 1]?.streamId).length
  const rising = seen.every((e, i) => i === 0 || e.position.commit > seen[i - 1]!.position.commit)
  const same = seen.every(({ position }) => position.commit === position.prepare)
  note(
    `40 concurrent 7-event appends: events ${seen.length}, runs in $all`,
    `${runs} (adjacent if 40); positions strictly increasing ${rising}; all commit==prepare ${same}`,
  )
  const firstOf = async (direction: 'forwards' | 'backwards') => {
    for await (const { event } of client.readAll({ fromPosition: at(3), direction, maxCount: 2 }))
      return event?.id
    return undefined
  }
  const forwards = await firstOf('forwards')
  note(
    'readAll forwards from position of event[3]: first is',
    forwards === kept[3]!.id
      ? 'event[3] (INCLUSIVE)'
      : forwards === kept[4]!.id
        ? 'event[4] (exclusive)'
        : 'other',
  )
  const backwards = await firstOf('backwards')
  note(
    'readAll backwards from position of event[3]: first is',
    backwards === kept[3]!.id
      ? 'event[3] (INCLUSIVE)'
      : backwards === kept[2]!.id
        ? 'event[2] (exclusive)'
        : 'other',
  )
  const countFrom = (more: bigint) =>
    attempt(async () => {
      let n = 0
      const fromPosition = { commit: at(3).commit + more, prepare: at(3).prepare + more }
      for await (const _ of client.readAll({ fromPosition, maxCount: 5 })) n++
      return n
    })
  note('readAll from a position between events (p3+1)', (await countFrom(1n)).text)
  note('readAll from a position far past end', (await countFrom(10n ** 12n)).text)
}

async function subscriptions(client: KurrentDBClient, note: Note): Promise<void> {
  const listen = async (
    options: Parameters<KurrentDBClient['subscribeToAll']>[0],
    meanwhile?: () => Promise<void>,
  ) => {
    const log: { kind: string; id?: string }[] = []
    const subscription = client.subscribeToAll(options)
    const caughtUp = new Promise<void>((resolve) => {
      subscription.on('caughtUp', () => {
        log.push({ kind: 'caughtUp' })
        resolve()
      })
    })
    subscription.on('confirmation', () => log.push({ kind: 'confirmation' }))
    subscription.on('error', (error) => log.push({ kind: `error ${error.message}` }))
    subscription.on('data', ({ event }) => log.push({ kind: 'data', id: event?.id ?? '' }))
    await caughtUp
    await meanwhile?.()
    await subscription.unsubscribe()
    return log
  }
  const name = stream('sub')
  await client.appendToStream(name, events(5))
  const kept = await read(client, name)
  const log = await listen({ fromPosition: kept[3]!.position! })
  const first = log.find(({ kind }) => kind === 'data')?.id
  note(
    'subscribeToAll fromPosition of event[3]: first event',
    first === kept[3]!.id
      ? 'event[3] INCLUSIVE'
      : first === kept[4]!.id
        ? 'event[4] (EXCLUSIVE)'
        : `other`,
  )
  note('event order of signals', log.map(({ kind }) => kind).join(','))
  const live = await listen({ fromPosition: 'end' }, async () => {
    for (let i = 0; i < 3; i++) await client.appendToStream(stream('live'), event())
    await sleep(300)
  })
  note('fromPosition end then 3 appends: signals', live.map(({ kind }) => kind).join(','))
  {
    const got: string[] = []
    const subscription = client.subscribeToStream(name, { fromRevision: 3n })
    subscription.on('data', ({ event }) => got.push(String(event?.revision)))
    await new Promise<void>((resolve) => subscription.on('caughtUp', () => resolve()))
    await sleep(50)
    await subscription.unsubscribe()
    note('subscribeToStream fromRevision 3n: got', `${got.join(',')} caughtUp`)
  }
  for (const [window, interval] of [
    [32, 1],
    [32, 5],
    [undefined, 1],
    [1000, 1],
  ] as const) {
    const before = (await client.appendToStream(stream('m'), event())).position!
    const tag = randomUUID()
    let checkpoints = 0
    const filter = {
      filterOn: 'streamName' as const,
      prefixes: [`hit-${tag}`],
      checkpointInterval: interval,
      checkpointReached: async () => {
        checkpoints++
      },
      ...(window === undefined ? {} : { maxSearchWindow: window }),
    }
    for (let i = 0; i < 20; i++) await client.appendToStream(`miss-${tag}`, events(50))
    await client.appendToStream(`hit-${tag}`, event())
    const past = await listen({ fromPosition: before, filter }, () => sleep(100))
    const historic = checkpoints
    const hits = past.filter(({ kind }) => kind === 'data').length
    await listen({ fromPosition: 'end', filter }, async () => {
      for (let i = 0; i < 10; i++) await client.appendToStream(`miss-${tag}`, events(20))
      await sleep(300)
    })
    note(
      `checkpointReached maxSearchWindow=${window} interval=${interval}`,
      `historic: ${historic} checkpoints over ~1001 events (hits ${hits}); live: ${checkpoints - historic} over 200 misses; at start from end: 0`,
    )
  }
}
