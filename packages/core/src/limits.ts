/** The sizes that a store accepts. All are inclusive maxima. */
export interface Limits {
  /** Bytes of one event: its data as JSON text in UTF-8 (or its bytes), its metadata likewise, and its type. */
  readonly maxEventBytes: number
  /** Bytes of all the events of one append. */
  readonly maxAppendBytes: number
  /** Events of one append. */
  readonly maxAppendEvents: number
  /** UTF-8 bytes of a stream id. */
  readonly maxStreamIdBytes: number
}

/**
 * The portable envelope (LIMIT-1): what works on every store. Core refuses what is outside it unless the store
 * was opened with `limits: 'backend'`.
 */
export const portableLimits: Limits = Object.freeze({
  maxEventBytes: 256 * 1024,
  maxAppendBytes: 896 * 1024,
  maxAppendEvents: 1000,
  maxStreamIdBytes: 255,
})

/** UTF-8 bytes of an event type, and of a subscription id. The same on every store. */
export const maxNameBytes = 255
