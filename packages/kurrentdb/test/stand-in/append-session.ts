import {
  type ServerReadableStream,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import errors from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v2/streams/errors_pb.js'
import streams from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v2/streams/streams_pb.js'
import type { Log, Proposed } from './log.js'
import { detailed } from './wire.js'

type Request = InstanceType<typeof streams.AppendRequest>
type Response = InstanceType<typeof streams.AppendSessionResponse>
export type SessionCall = ServerReadableStream<Request, Response>

/** The append to several streams of servers from 25.1 on. */
export function serveAppendSession(
  log: Log,
  call: SessionCall,
  answer: sendUnaryData<Response>,
): void {
  const requests: Request[] = []
  call.on('data', (request: Request) => requests.push(request))
  call.on('error', () => {})
  call.on('end', () => {
    const result = append(log, requests)
    if (result instanceof Error) answer(result)
    else answer(null, result)
  })
}

function append(log: Log, requests: readonly Request[]): Response | ServiceError {
  if (requests.length === 0 || requests.some((request) => request.getRecordsList().length === 0))
    return detailed(
      status.INVALID_ARGUMENT,
      "The 'AppendRequest' is invalid: Stream append request must contain at least one record",
    )
  const names = requests.map((request) => request.getStream())
  if (new Set(names.map((name) => name.toLowerCase())).size < names.length)
    return detailed(
      status.ABORTED,
      'A stream already has a different group of messages in this session.',
      'StreamAlreadyInAppendSessionErrorDetails',
      new errors.StreamAlreadyInAppendSessionErrorDetails().setStream(names[0]!),
    )
  const parts = requests.map((request, i) => ({
    name: names[i]!,
    expected: Number(request.getExpectedRevision() ?? -2),
    events: request.getRecordsList().map(proposedOf),
  }))
  const result = log.appendMany(parts)
  if (result.kind === 'refused') {
    const { name, expected } = parts[result.part]!
    if (result.actual === null)
      return detailed(
        status.FAILED_PRECONDITION,
        `Stream '${name}' has been tombstoned.`,
        'StreamTombstonedErrorDetails',
        new errors.StreamTombstonedErrorDetails().setStream(name),
      )
    return detailed(
      status.FAILED_PRECONDITION,
      `Stream '${name}' is at revision ${result.actual}.`,
      'StreamRevisionConflictErrorDetails',
      new errors.StreamRevisionConflictErrorDetails()
        .setStream(name)
        .setExpectedRevision(String(expected))
        .setActualRevision(String(result.actual)),
    )
  }
  const response = new streams.AppendSessionResponse().setPosition(String(result.position))
  result.revisions.forEach((revision, i) => {
    response.addOutput(
      new streams.AppendResponse().setStream(names[i]!).setStreamRevision(String(revision)),
    )
  })
  return response
}

function proposedOf(record: InstanceType<typeof streams.AppendRecord>): Proposed {
  const schema = record.getSchema()!
  const json = schema.getFormat() === streams.SchemaFormat.SCHEMA_FORMAT_JSON
  const metadata: Record<string, string> = {}
  record.getPropertiesMap().forEach((value: { getStringValue(): string }, key: string) => {
    metadata[key] = value.getStringValue()
  })
  metadata['$schema.name'] = schema.getName()
  metadata['$schema.format'] = json ? 'Json' : 'Bytes'
  return {
    id: record.getRecordId()!,
    type: schema.getName(),
    contentType: json ? 'application/json' : 'application/octet-stream',
    data: record.getData_asU8(),
    metadata: Buffer.from(JSON.stringify(metadata)),
  }
}
