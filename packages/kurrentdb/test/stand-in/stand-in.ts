import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import gossipServices from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/gossip_grpc_pb.js'
import gossip from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/gossip_pb.js'
import featureServices from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/serverfeatures_grpc_pb.js'
import features from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/serverfeatures_pb.js'
import shared from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/shared_pb.js'
import streamServices from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_grpc_pb.js'
import streams from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb.js'
import sessionServices from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v2/streams/streams_grpc_pb.js'
import { type SessionCall, serveAppendSession } from './append-session.js'
import { type AppendAnswer, type Expected, Log, type Proposed } from './log.js'
import { type BeforeAnswer, type ReadCall, serveRead } from './read-service.js'
import {
  batchConflict,
  batchError,
  batchSuccess,
  exception,
  identifier,
  proposed,
  streamDeleted,
  text,
  unaryAnswer,
  unhandled,
} from './wire.js'

type BatchReq = InstanceType<typeof streams.BatchAppendReq>
type BatchResp = InstanceType<typeof streams.BatchAppendResp>
type BatchCall = ServerDuplexStream<BatchReq, BatchResp>
type AppendReq = InstanceType<typeof streams.AppendReq>
type AppendResp = InstanceType<typeof streams.AppendResp>

/** What a test does to an append before it takes effect, or between its effect and its answer. */
export type AppendHook = (request: {
  readonly stream: string
  readonly events: readonly Proposed[]
}) => AppendFault | Promise<AppendFault>

/** 'answer': none. The others take the place of the answer. */
export type AppendFault = 'answer' | 'silence' | 'not-leader' | 'timeout' | 'cut'

export interface StandInOptions {
  /** Whose answers it gives. Default: EventStoreDB 23.10.7. */
  readonly as?: '23.10.7' | '26.1.0'
  /** Default: a free one. */
  readonly port?: number
  /** The data of another, which has ended: a restart. */
  readonly log?: Log
}

/**
 * A stand-in for EventStoreDB and KurrentDB, in this process, behind the real client and its wire protocol: for tests
 * on machines without a server, and for faults that no server makes on command. It is NOT KurrentDB; whatever uses it
 * says so.
 */
export class StandIn {
  readonly log: Log
  readonly version: string
  /** Runs before an append takes effect. */
  beforeAppend: AppendHook = () => 'answer'
  /** Runs after it took effect and before it is answered. */
  afterAppend: AppendHook = () => 'answer'
  beforeReadAnswer: BeforeAnswer = async () => true
  /**
   * How many records at the end a read of all backwards from the end passes over: those of an append that the server was still
   * indexing when it looked at them, and not any more when it looked at the ones before.
   */
  passedOver = 0
  /** The nodes of its cluster by port, as it tells clients that ask; the leader takes requests, the others refuse them. */
  cluster: () => readonly {
    readonly port: number
    readonly state: 'leader' | 'follower' | 'dead'
  }[] = () => [{ port: this.#port, state: 'leader' }]
  /** How many requests have come. */
  requests = 0
  #server: Server
  readonly #refused: string[] = []
  readonly #calls = new Set<ReadCall>()
  #port = 0

  static async start(options: StandInOptions = {}): Promise<StandIn> {
    const standIn = new StandIn(options)
    await standIn.#listen(options.port ?? 0)
    return standIn
  }

  private constructor({ as = '23.10.7', log }: StandInOptions) {
    this.version = as
    this.log = log ?? new Log(as === '23.10.7' ? 1024 * 1024 : 256 * 1024 * 1024)
    this.#server = this.#serve()
  }

  #serve(): Server {
    const server = new Server({ 'grpc.max_receive_message_length': -1 })
    server.addService(featureServices.ServerFeaturesService, {
      getSupportedMethods: (
        _call: unknown,
        answer: sendUnaryData<InstanceType<typeof features.SupportedMethods>>,
      ) => {
        this.requests++
        answer(null, this.#features())
      },
    })
    server.addService(gossipServices.GossipService, {
      read: (_call: unknown, answer: sendUnaryData<InstanceType<typeof gossip.ClusterInfo>>) =>
        answer(null, this.#members()),
    })
    server.addService(streamServices.StreamsService, {
      read: (call: ReadCall) => {
        this.requests++
        this.#track(call)
        const elsewhere = this.#leaderElsewhere()
        if (elsewhere) return void call.emit('error', elsewhere)
        void serveRead(
          this.log,
          call,
          this.#newer,
          (c, n) => this.beforeReadAnswer(c, n),
          this.passedOver,
        )
      },
      append: (
        call: ServerReadableStream<AppendReq, AppendResp>,
        answer: sendUnaryData<AppendResp>,
      ) => this.#append(call, answer),
      delete: (
        call: ServerUnaryCall<
          InstanceType<typeof streams.DeleteReq>,
          InstanceType<typeof streams.DeleteResp>
        >,
        answer: sendUnaryData<InstanceType<typeof streams.DeleteResp>>,
      ) => {
        const { name, expected } = targetOf(call.request.getOptions()!)
        const result = this.log.delete(name, expected)
        if (result.kind !== 'ok') return answer(refusal(result, name, expected))
        const position = new streams.DeleteResp.Position()
          .setCommitPosition(String(result.position))
          .setPreparePosition(String(result.position))
        answer(null, new streams.DeleteResp().setPosition(position))
      },
      tombstone: (
        call: ServerUnaryCall<
          InstanceType<typeof streams.TombstoneReq>,
          InstanceType<typeof streams.TombstoneResp>
        >,
        answer: sendUnaryData<InstanceType<typeof streams.TombstoneResp>>,
      ) => {
        const { name, expected } = targetOf(call.request.getOptions()!)
        const result = this.log.tombstone(name, expected)
        if (result.kind !== 'ok') return answer(refusal(result, name, expected))
        const position = new streams.TombstoneResp.Position()
          .setCommitPosition(String(result.position))
          .setPreparePosition(String(result.position))
        answer(null, new streams.TombstoneResp().setPosition(position))
      },
      batchAppend: (call: BatchCall) => this.#batchAppend(call),
    })
    if (this.#newer)
      server.addService(sessionServices.StreamsServiceService, {
        appendSession: (call: SessionCall, answer: Parameters<typeof serveAppendSession>[2]) => {
          this.requests++
          serveAppendSession(this.log, call, answer)
        },
        appendRecords: (_call: unknown, answer: sendUnaryData<never>) => answer(unhandled()),
      })
    return server
  }

  get #newer(): boolean {
    return this.version !== '23.10.7'
  }

  get port(): number {
    return this.#port
  }

  get url(): string {
    return `kurrentdb://127.0.0.1:${this.#port}?tls=false`
  }

  describe(): string {
    const product = this.#newer ? 'KurrentDB' : 'EventStoreDB'
    return `a stand-in for ${product} ${this.version} (in this process; NOT KurrentDB)`
  }

  /** Ends every call and connection at once, as `kill -9` would; what was written stays in `log`. */
  kill(): void {
    this.#server.forceShutdown()
  }

  /** Ends it as `kill -9` would and begins anew at the same address with the same data. */
  async restart(): Promise<void> {
    this.kill()
    this.log.forgetIds()
    this.#server = this.#serve()
    await this.#listen(this.#port)
  }

  /** From now on, appends to streams whose names begin so are refused for lack of rights. */
  refuse(prefix: string): void {
    this.#refused.push(prefix)
  }

  /** Ends every subscription and read that is open, with an error as a server gives it. */
  dropReads(error: Error = exception('unavailable', status.UNAVAILABLE)): void {
    for (const call of this.#calls) call.emit('error', error)
  }

  async #listen(port: number): Promise<void> {
    this.#port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(
        `127.0.0.1:${port}`,
        ServerCredentials.createInsecure(),
        (error, bound) => (error ? reject(error) : resolve(bound)),
      )
    })
  }

  #track(call: ReadCall): void {
    this.#calls.add(call)
    call.on('close', () => this.#calls.delete(call))
    call.on('cancelled', () => this.#calls.delete(call))
    // A call that ends under our hands is the client's affair.
    call.on('error', () => this.#calls.delete(call))
  }

  /** The refusal of a node that is not the leader; null on the leader. */
  #leaderElsewhere(): Error | null {
    const leader = this.cluster().find(({ state }) => state === 'leader')
    return !leader || leader.port === this.#port ? null : notLeader(leader.port)
  }

  #members() {
    const states = gossip.MemberInfo.VNodeState
    const info = new gossip.ClusterInfo()
    for (const { port, state } of this.cluster())
      info.addMembers(
        new gossip.MemberInfo()
          .setInstanceId(
            new shared.UUID().setString(
              `00000000-0000-4000-8000-${String(port).padStart(12, '0')}`,
            ),
          )
          .setTimeStamp('0')
          .setIsAlive(state !== 'dead')
          .setState(state === 'leader' ? states.LEADER : states.FOLLOWER)
          .setHttpEndPoint(new gossip.EndPoint().setAddress('127.0.0.1').setPort(port)),
      )
    return info
  }

  #features() {
    const methods: [service: string, method: string][] = [
      ['event_store.client.streams.streams', 'read'],
      ['event_store.client.streams.streams', 'append'],
      ['event_store.client.streams.streams', 'delete'],
      ['event_store.client.streams.streams', 'tombstone'],
      ['event_store.client.streams.streams', 'batchappend'],
    ]
    if (this.#newer) methods.push(['kurrentdb.protocol.v2.streams.streamsservice', 'appendsession'])
    const supported = new features.SupportedMethods().setEventStoreServerVersion(this.version)
    for (const [service, method] of methods)
      supported.addMethods(
        new features.SupportedMethod()
          .setServiceName(service)
          .setMethodName(method)
          .setFeaturesList(method === 'read' ? ['position', 'events'] : []),
      )
    return supported
  }

  #batchAppend(call: BatchCall): void {
    const open = new Map<string, { options: BatchReq; messages: Proposed[] | null }>()
    // Appends of one stream take effect in the order in which they came.
    let turn = Promise.resolve()
    call.on('data', (request: BatchReq) => {
      const id = request.getCorrelationId()!.getString()
      const part = open.get(id) ?? { options: request, messages: [] }
      const events = proposed(request.getProposedMessagesList())
      part.messages = part.messages && events && [...part.messages, ...events]
      open.set(id, part)
      if (!request.getIsFinal()) return
      open.delete(id)
      this.requests++
      turn = turn.then(() => this.#answerBatch(call, part.options, part.messages))
    })
    call.on('end', () => call.end())
    call.on('error', () => open.clear())
  }

  async #answerBatch(call: BatchCall, request: BatchReq, events: Proposed[] | null): Promise<void> {
    const options = request.getOptions()!
    const name = text(options.getStreamIdentifier()!.getStreamName())
    const expected = options.hasNoStream()
      ? -1
      : options.hasAny()
        ? -2
        : options.hasStreamExists()
          ? -4
          : Number(options.getStreamPosition())
    const response = new streams.BatchAppendResp()
      .setCorrelationId(request.getCorrelationId())
      .setStreamIdentifier(identifier(name))
    if (events === null) {
      call.write(response.setError(batchError('BadRequest', new shared.BadRequest())))
      return
    }
    const elsewhere = this.#leaderElsewhere()
    if (elsewhere) {
      call.emit('error', elsewhere)
      return
    }
    if (this.#refused.some((prefix) => name.startsWith(prefix))) {
      call.write(response.setError(batchError('AccessDenied', new shared.AccessDenied())))
      return
    }
    if (await this.#struck(call, response, await this.beforeAppend({ stream: name, events })))
      return
    const answer = this.log.append(name, expected, events)
    if (await this.#struck(call, response, await this.afterAppend({ stream: name, events }))) return
    call.write(batchAnswer(response, answer, name, expected))
  }

  /** Whether a test's fault has taken the place of the answer. */
  async #struck(call: BatchCall, response: BatchResp, fault: AppendFault): Promise<boolean> {
    switch (fault) {
      case 'answer':
        return false
      case 'silence':
        return true
      case 'timeout':
        call.write(response.setError(batchError('Timeout', new shared.Timeout())))
        return true
      case 'not-leader':
        call.emit('error', notLeader(this.#port))
        return true
      case 'cut':
        call.emit('error', exception('cut', status.UNAVAILABLE))
        return true
    }
  }

  #append(
    call: ServerReadableStream<AppendReq, AppendResp>,
    answer: sendUnaryData<AppendResp>,
  ): void {
    this.requests++
    let options: InstanceType<typeof streams.AppendReq.Options> | undefined
    const messages: InstanceType<typeof streams.AppendReq.ProposedMessage>[] = []
    call.on('data', (request: AppendReq) => {
      if (request.hasOptions()) options = request.getOptions()
      else messages.push(request.getProposedMessage()!)
    })
    call.on('error', () => {})
    call.on('end', () => {
      const { name, expected } = targetOf(options!)
      const events = proposed(messages)
      if (events === null) return answer(unhandled())
      const result = this.log.append(name, expected, events)
      if (result.kind === 'deleted') return answer(streamDeleted(name))
      if (result.kind === 'too large')
        return answer(
          exception('maximum-append-size-exceeded', status.INVALID_ARGUMENT, {
            'maximum-append-size': String(result.maximum),
          }),
        )
      answer(null, unaryAnswer(result, expected))
    })
  }
}

function notLeader(leaderPort: number) {
  return exception('not-leader', status.NOT_FOUND, {
    'leader-endpoint-host': '127.0.0.1',
    'leader-endpoint-port': String(leaderPort),
  })
}

function batchAnswer(
  response: BatchResp,
  answer: AppendAnswer,
  name: string,
  expected: Expected,
): BatchResp {
  switch (answer.kind) {
    case 'ok':
      return response.setSuccess(batchSuccess(answer.revision, answer.position))
    case 'conflict':
      return response.setError(batchConflict(answer.actual, expected))
    case 'deleted': {
      const deleted = new shared.StreamDeleted().setStreamIdentifier(identifier(name))
      return response.setError(batchError('StreamDeleted', deleted))
    }
    case 'too large': {
      const tooLarge = new shared.MaximumAppendSizeExceeded().setMaxappendsize(answer.maximum)
      return response.setError(batchError('MaximumAppendSizeExceeded', tooLarge))
    }
  }
}

/** The stream and the expectation of a unary request. */
function targetOf(
  options:
    | InstanceType<typeof streams.AppendReq.Options>
    | InstanceType<typeof streams.DeleteReq.Options>
    | InstanceType<typeof streams.TombstoneReq.Options>,
): { name: string; expected: Expected } {
  return {
    name: text(options.getStreamIdentifier()!.getStreamName()),
    expected: options.hasNoStream()
      ? -1
      : options.hasAny()
        ? -2
        : options.hasStreamExists()
          ? -4
          : Number(options.getRevision()),
  }
}

function refusal(answer: AppendAnswer, name: string, expected: Expected) {
  if (answer.kind !== 'conflict') return streamDeleted(name)
  return exception('wrong-expected-version', status.FAILED_PRECONDITION, {
    'stream-name': name,
    'expected-version': String(expected),
    'actual-version': String(answer.actual),
  })
}
