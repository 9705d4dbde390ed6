/**
 * What a store offers beyond, or short of, the common contract. Every key is answered by every store, so that a
 * new key stops each adapter from compiling until it is answered. The conformance suite reads the same record
 * that applications read.
 */
export interface Capabilities {
  /** `appendToStreams`: several streams in one atomic append (MULTI-1). */
  readonly multiStreamAppend: boolean
  /**
   * Whether a repeated append with 'any' or 'exists' is recognised for ever ('always'), or only as long as the
   * database remembers ('bestEffort': see the store's documentation) (IDEM-2).
   */
  readonly idempotentAny: 'always' | 'bestEffort'
  /**
   * 'stream': an event id that is in the stream already is always refused. 'none': the database checks ids only
   * when the expectation fails (IDEM-3).
   */
  readonly uniqueEventIds: 'stream' | 'none'
  /**
   * 'durable': what was acknowledged survives the end of the process and of the server. 'process': it lives as
   * long as the process (the in-memory store).
   */
  readonly persistence: 'durable' | 'process'
}
