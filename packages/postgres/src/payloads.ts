import { CorruptError, type Payload } from '@annals/core'

/** How a payload lies in the tables: as jsonb; as JSON text that jsonb cannot hold, in bytes; or as the bytes they are. */
export const encoding = { jsonb: '0', jsonText: '1', binary: '2' } as const

export interface StoredPayload {
  readonly encoding: string
  /** For the jsonb column. */
  readonly json: string | null
  /** For the bytea column, in its hexadecimal form. */
  readonly bytes: string | null
}

/**
 * jsonb refuses U+0000 and lone surrogates (https://www.postgresql.org/docs/current/datatype-json.html); `JSON.stringify`
 * writes both as escapes. An escaped backslash before such a sequence is taken for one too; that costs nothing but jsonb's
 * operators on this value.
 */
const unfitForJsonb = /\\u(?:0000|d[89a-f])/i

export function storePayload(payload: Payload): StoredPayload {
  if (typeof payload !== 'string') {
    return { encoding: encoding.binary, json: null, bytes: toHex(payload) }
  }
  return unfitForJsonb.test(payload)
    ? { encoding: encoding.jsonText, json: null, bytes: toHex(Buffer.from(payload)) }
    : { encoding: encoding.jsonb, json: payload, bytes: null }
}

/** The payload of a row: its encoding, its jsonb as text, and its bytes as plain hexadecimal. */
export function loadPayload(
  kind: string | null | undefined,
  json: string | null | undefined,
  hex: string | null | undefined,
  where: () => string,
): Payload {
  if (kind === encoding.jsonb && json != null) return json
  if (hex != null) {
    const bytes = Buffer.from(hex, 'hex')
    if (kind === encoding.binary) return bytes
    if (kind === encoding.jsonText) return bytes.toString()
  }
  throw new CorruptError(`The payload of ${where()} is not in any form that the store writes.`)
}

function toHex(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`
}
