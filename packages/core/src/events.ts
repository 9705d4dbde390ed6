/** Any value that JSON can hold. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined }

/** A JSON object. A property whose value is `undefined` is left out, as `JSON.stringify` does. */
export type JsonObject = { readonly [key: string]: JsonValue | undefined }

/**
 * What an event says about itself rather than about the domain. Any JSON object; the two names below are
 * the ones that tracing uses.
 */
export interface EventMetadata {
  /** The id shared by everything that one request set in motion. */
  readonly correlationId?: string | undefined
  /** The id of the event or command that caused this event. */
  readonly causationId?: string | undefined
  readonly [key: string]: JsonValue | undefined
}

/**
 * The shape of one kind of event: its type's name and its data. A union of shapes narrows `data` by `type`:
 *
 * ```ts
 * type OrderEvent =
 *   | { type: 'OrderPlaced'; data: { total: number } }
 *   | { type: 'OrderShipped'; data: { carrier: string } }
 * ```
 */
export interface EventShape {
  readonly type: string
  readonly data: unknown
  readonly metadata?: EventMetadata | undefined
}

/** What a shape says of its metadata. What may be left out reads back as `{}`. */
type MetadataOf<E extends EventShape> = 'metadata' extends keyof E
  ? undefined extends E['metadata']
    ? Partial<NonNullable<E['metadata']>>
    : E['metadata']
  : EventMetadata

type NewMetadata<E extends EventShape> = undefined extends E['metadata']
  ? {
      /** Default: `{}`. */
      readonly metadata?: MetadataOf<E> | undefined
    }
  : { readonly metadata: MetadataOf<E> }

/**
 * An event to append.
 *
 * `data` is any JSON value or bytes (`Uint8Array`; a `Buffer` is one). Dates, bigints, NaN, class instances and
 * other things that would not come back equal are refused (INVALID_ARGUMENT) before anything is sent.
 */
export type NewEvent<E extends EventShape = EventShape> = E extends EventShape
  ? {
      readonly type: E['type']
      readonly data: E['data']
      /** A UUID, kept in lower case. Default: a new version 7 UUID. Give it yourself to make a retry exact. */
      readonly id?: string | undefined
    } & NewMetadata<E>
  : never

/** An event as the store keeps it. It never changes. */
export type RecordedEvent<E extends EventShape = EventShape> = E extends EventShape
  ? {
      /** A UUID in lower case. */
      readonly id: string
      readonly streamId: string
      /** The event's number in its stream: 1, 2, 3 … without gaps. */
      readonly version: number
      /** The event's place in the store's global order. */
      readonly position: Position
      readonly type: E['type']
      readonly data: E['data']
      readonly metadata: MetadataOf<E>
      /** When the database (or the writer, where the database keeps no time) recorded it. Says nothing about order. */
      readonly recordedAt: Date
    }
  : never

/**
 * A place in the store's one global order: an opaque string made by the store. Comparing two positions of one
 * store as plain strings (`<`, `===`) compares the events. Keep it anywhere; do not take it apart.
 */
export type Position = string

/** A stream's category: the text before the first `-`, or the whole id where there is none. */
export function categoryOf(streamId: string): string {
  const dash = streamId.indexOf('-')
  return dash === -1 ? streamId : streamId.slice(0, dash)
}
