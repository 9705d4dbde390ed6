import type { ServerWritableStream } from '@grpc/grpc-js'
import streams from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb.js'
import type { Log, LogRecord } from './log.js'
import { identifier, recorded, streamDeleted, text, unhandled } from './wire.js'

type Req = InstanceType<typeof streams.ReadReq>
type Resp = InstanceType<typeof streams.ReadResp>
export type ReadCall = ServerWritableStream<Req, Resp>
type Options = InstanceType<typeof streams.ReadReq.Options>

/** Called before each answer of a read or a subscription; false ends it there, as the fault has seen to the rest. */
export type BeforeAnswer = (call: ReadCall, sent: number) => Promise<boolean>

export async function serveRead(
  log: Log,
  call: ReadCall,
  newer: boolean,
  before: BeforeAnswer,
  /** Records at the end that a read backwards from the end passes over. */
  passedOver: number,
): Promise<void> {
  const options = call.request.getOptions()
  if (!options) return void call.emit('error', unhandled())
  const out = new Answers(call, before)
  if (options.hasSubscription()) return subscribe(log, options, out, newer)
  const maxCount = Number(options.getCount())
  if (maxCount === 0) return void call.emit('error', unhandled())
  const forwards = options.getReadDirection() === streams.ReadReq.Options.ReadDirection.FORWARDS
  if (options.hasStream()) {
    const stream = options.getStream()!
    const name = text(stream.getStreamIdentifier()!.getStreamName())
    const from = stream.hasStart() ? 0 : stream.hasEnd() ? -1 : Number(stream.getRevision())
    const answer = log.readStream(name, forwards, from, maxCount)
    if (answer.kind === 'deleted') return void call.emit('error', streamDeleted(name))
    if (answer.kind === 'not found') {
      const notFound = new streams.ReadResp.StreamNotFound().setStreamIdentifier(identifier(name))
      await out.send(new streams.ReadResp().setStreamNotFound(notFound))
      return out.end()
    }
    for (const record of answer.records) if (!(await out.send(recorded(record)))) return
    return out.end()
  }
  const all = options.getAll()!
  const passes = filterOf(options)
  let index: number | null = forwards ? 0 : log.records.length
  if (all.hasPosition()) index = log.indexOf(BigInt(all.getPosition()!.getCommitPosition()))
  else if (all.hasEnd()) index = log.records.length - (forwards ? 0 : passedOver)
  else if (all.hasStart()) index = 0
  // A position inside of a record.
  if (index === null) return void call.emit('error', unhandled())
  let left = maxCount
  const step = forwards ? 1 : -1
  // Forwards from the record at the position, backwards from the one below it.
  for (let i = forwards ? index : index - 1; left > 0; i += step) {
    const record = log.records[i]
    if (!record) break
    if (!passes(record)) continue
    left--
    if (!(await out.send(recorded(record)))) return
  }
  out.end()
}

async function subscribe(log: Log, options: Options, out: Answers, newer: boolean): Promise<void> {
  const confirmation = new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId('stand-in')
  if (!(await out.send(new streams.ReadResp().setConfirmation(confirmation)))) return
  const stream = options.getStream()
  const name = stream && text(stream.getStreamIdentifier()!.getStreamName())
  const passes = name === undefined ? filterOf(options) : (r: LogRecord) => r.stream === name
  let after = -1n
  let index = 0
  if (stream) {
    const from = stream.hasStart() ? -1 : stream.hasEnd() ? Infinity : Number(stream.getRevision())
    if (log.isTombstoned(name!)) return out.fail(streamDeleted(name!))
    after = stream.hasEnd() ? log.head : -1n
    const skip = from
    const inner = passes
    return follow((r) => inner(r) && r.revision > skip)
  }
  const all = options.getAll()!
  if (all.hasEnd()) index = log.records.length
  else if (all.hasPosition()) {
    const found = log.indexOf(BigInt(all.getPosition()!.getCommitPosition()))
    if (found === null) return out.fail(unhandled())
    // After the record at the position, where a read begins with it.
    index = found + 1
  }
  return follow(passes)

  async function follow(wanted: (record: LogRecord) => boolean): Promise<void> {
    const filter = options.getFilter()
    // The server says where it is after so many records that it has looked at.
    const interval = filter
      ? (filter.hasMax() ? filter.getMax() : 32) * filter.getCheckpointintervalmultiplier()
      : Number.POSITIVE_INFINITY
    let looked = 0
    let news = () => {}
    const stop = log.onRecord(() => news())
    let live = false
    for (;;) {
      const record = log.records[index]
      if (!record) {
        if (!live) {
          live = true
          const caughtUp = new streams.ReadResp.CaughtUp()
          const last = log.records.at(-1)
          if (newer && last && name === undefined)
            caughtUp.setPosition(
              new streams.ReadResp.Position()
                .setCommitPosition(String(last.position))
                .setPreparePosition(String(last.position)),
            )
          // Of a stream that does not exist the older server never says that it was caught up with.
          const silent = !newer && name !== undefined && log.lastRevision(name) < 0
          if (!silent && !(await out.send(new streams.ReadResp().setCaughtUp(caughtUp))))
            return stop()
          continue
        }
        await out.wait((resolve) => {
          news = resolve
          if (index < log.records.length) resolve()
        })
        if (out.closed) return stop()
        continue
      }
      index++
      looked++
      if (record.position > after && wanted(record)) {
        if (!(await out.send(recorded(record)))) return stop()
        if (record.type === '$streamDeleted' && name !== undefined) {
          stop()
          return out.fail(streamDeleted(name))
        }
      }
      if (looked >= interval) {
        looked = 0
        const checkpoint = new streams.ReadResp.Checkpoint()
          .setCommitPosition(String(record.position))
          .setPreparePosition(String(record.position))
        if (!(await out.send(new streams.ReadResp().setCheckpoint(checkpoint)))) return stop()
      }
    }
  }
}

function filterOf(options: Options): (record: LogRecord) => boolean {
  const filter = options.getFilter()
  if (!filter) return () => true
  const onType = filter.hasEventType()
  const expression = (onType ? filter.getEventType() : filter.getStreamIdentifier())!
  const subject = (record: LogRecord) => (onType ? record.type : record.stream)
  const prefixes = expression.getPrefixList()
  if (prefixes.length > 0)
    return (record) => prefixes.some((prefix) => subject(record).startsWith(prefix))
  const regex = new RegExp(expression.getRegex(), 'u')
  return (record) => regex.test(subject(record))
}

/** The answers of one call, with the flow control of the connection. */
class Answers {
  readonly #call: ReadCall
  readonly #before: BeforeAnswer
  #sent = 0
  closed = false
  /** Called when the call is over, or when it can take more. */
  #wake = () => {}

  constructor(call: ReadCall, before: BeforeAnswer) {
    this.#call = call
    this.#before = before
    const close = () => {
      this.closed = true
      this.#wake()
    }
    call.on('cancelled', close)
    call.on('close', close)
    call.on('error', close)
    call.on('drain', () => this.#wake())
  }

  /** Resolves when `news` is called, or the call is over. */
  async wait(listen: (news: () => void) => void): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      if (this.closed) resolve()
      listen(resolve)
    })
  }

  /** False: nothing more can be sent. */
  async send(answer: Resp): Promise<boolean> {
    if (this.closed) return false
    if (!(await this.#before(this.#call, this.#sent))) return false
    this.#sent++
    if (this.closed) return false
    if (!this.#call.write(answer)) await this.wait(() => {})
    return !this.closed
  }

  end(): void {
    if (!this.closed) this.#call.end()
  }

  /** grpc-js makes the status of an error that is emitted; a call that is destroyed has none. */
  fail(error: Error): void {
    if (!this.closed) this.#call.emit('error', error)
  }
}
