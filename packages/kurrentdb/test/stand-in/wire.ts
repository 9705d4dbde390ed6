import { createRequire } from 'node:module'
import { Metadata, type ServiceError, status } from '@grpc/grpc-js'
import shared from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/shared_pb.js'
import statuses from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/status_pb.js'
import streams from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb.js'
import type { AppendAnswer, Expected, LogRecord, Proposed } from './log.js'

const requireOfClient = createRequire(
  createRequire(import.meta.url).resolve('@kurrent/kurrentdb-client'),
)
/** Google's `Any`, which the client's definitions are made with, as the client finds it. */
const { Any } = requireOfClient('google-protobuf/google/protobuf/any_pb') as {
  Any: new () => InstanceType<typeof statuses.Status>['getDetails'] extends () => infer A
    ? NonNullable<A>
    : never
}
const { Empty } = requireOfClient('google-protobuf/google/protobuf/empty_pb') as {
  Empty: new () => never
}

export function text(bytes: Uint8Array | string): string {
  return typeof bytes === 'string'
    ? Buffer.from(bytes, 'base64').toString('utf8')
    : Buffer.from(bytes).toString('utf8')
}

export function identifier(name: string) {
  return new shared.StreamIdentifier().setStreamName(new Uint8Array(Buffer.from(name, 'utf8')))
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The proposed events, or null where an id is no UUID. */
export function proposed(
  messages: readonly (
    | InstanceType<typeof streams.BatchAppendReq.ProposedMessage>
    | InstanceType<typeof streams.AppendReq.ProposedMessage>
  )[],
): Proposed[] | null {
  const events = messages.map((message) => ({
    id: message.getId()?.getString() ?? '',
    type: message.getMetadataMap().get('type') ?? '',
    contentType: message.getMetadataMap().get('content-type') ?? '',
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  }))
  return events.every(({ id }) => uuid.test(id)) ? events : null
}

export function recorded(record: LogRecord) {
  const event = new streams.ReadResp.ReadEvent.RecordedEvent()
    .setId(new shared.UUID().setString(record.id))
    .setStreamIdentifier(identifier(record.stream))
    .setStreamRevision(String(record.revision))
    .setPreparePosition(String(record.position))
    .setCommitPosition(String(record.position))
    .setData(record.data)
    .setCustomMetadata(record.metadata)
  event.getMetadataMap().set('type', record.type)
  event.getMetadataMap().set('content-type', record.contentType)
  // In ticks of 100 nanoseconds.
  event.getMetadataMap().set('created', String(BigInt(record.created) * 10_000n))
  return new streams.ReadResp().setEvent(
    new streams.ReadResp.ReadEvent().setEvent(event).setCommitPosition(String(record.position)),
  )
}

/** A gRPC error as the server makes them: the kind stands in the `exception` trailer. */
export function exception(
  kind: string,
  code: status,
  trailers: Readonly<Record<string, string>> = {},
): ServiceError {
  const metadata = new Metadata()
  metadata.set('exception', kind)
  for (const [key, value] of Object.entries(trailers)) metadata.set(key, value)
  return Object.assign(new Error(kind), { code, details: kind, metadata })
}

export function streamDeleted(name: string): ServiceError {
  return exception('stream-deleted', status.FAILED_PRECONDITION, { 'stream-name': name })
}

/** An error of the newer services, with its details in the trailers as Google's RPC status. */
export function detailed(
  code: status,
  details: string,
  kind?: string,
  message?: { serializeBinary(): Uint8Array },
): ServiceError {
  const metadata = new Metadata()
  if (kind && message) {
    const any = new Any()
    any.pack(message.serializeBinary(), `kurrentdb.protocol.v2.streams.errors.${kind}`)
    const rpc = new statuses.Status().setMessage(details).setDetails(any)
    metadata.set('grpc-status-details-bin', Buffer.from(rpc.serializeBinary()))
  }
  return Object.assign(new Error(details), { code, details, metadata })
}

export function unhandled(): ServiceError {
  const details = 'Exception was thrown by handler.'
  return Object.assign(new Error(details), {
    code: status.UNKNOWN,
    details,
    metadata: new Metadata(),
  })
}

/** An error inside an answer of the batch append: a status whose details name the kind. */
export function batchError(kind: string, details: { serializeBinary(): Uint8Array }) {
  const any = new Any()
  any.pack(details.serializeBinary(), `event_store.client.${kind}`)
  return new statuses.Status().setMessage(kind).setDetails(any)
}

export function batchConflict(actual: number, expected: Expected) {
  const conflict = new shared.WrongExpectedVersion()
  if (actual < 0) conflict.setCurrentNoStream(new Empty())
  else conflict.setCurrentStreamRevision(String(actual))
  if (expected === -1) conflict.setExpectedNoStream(new Empty())
  else if (expected === -2) conflict.setExpectedAny(new Empty())
  else if (expected === -4) conflict.setExpectedStreamExists(new Empty())
  else conflict.setExpectedStreamPosition(String(expected))
  return batchError('WrongExpectedVersion', conflict)
}

export function unaryAnswer(answer: AppendAnswer, expected: Expected) {
  const response = new streams.AppendResp()
  if (answer.kind === 'ok') {
    const success = new streams.AppendResp.Success().setCurrentRevision(String(answer.revision))
    if (answer.position === null) success.setNoPosition(new shared.Empty())
    else
      success.setPosition(
        new streams.AppendResp.Position()
          .setCommitPosition(String(answer.position))
          .setPreparePosition(String(answer.position)),
      )
    return response.setSuccess(success)
  }
  const actual = answer.kind === 'conflict' ? answer.actual : -1
  const conflict = new streams.AppendResp.WrongExpectedVersion()
  if (actual < 0) conflict.setCurrentNoStream(new shared.Empty())
  else conflict.setCurrentRevision(String(actual))
  if (expected === -1) conflict.setExpectedNoStream(new shared.Empty())
  else if (expected === -2) conflict.setExpectedAny(new shared.Empty())
  else if (expected === -4) conflict.setExpectedStreamExists(new shared.Empty())
  else conflict.setExpectedRevision(String(expected))
  return response.setWrongExpectedVersion(conflict)
}

export function batchSuccess(revision: number, position: bigint | null) {
  const success = new streams.BatchAppendResp.Success().setCurrentRevision(String(revision))
  return position === null
    ? success.setNoPosition(new Empty())
    : success.setPosition(
        new shared.AllStreamPosition()
          .setCommitPosition(String(position))
          .setPreparePosition(String(position)),
      )
}
