import { randomFillSync } from 'node:crypto'
import { v7, validate } from 'uuid'

// Randomness for 256 ids at a time: fetched for each id, it costs more than all the rest of making one.
const random = new Uint8Array(4096)
let used = random.length
let lastMs = 0
let sequence = 0

/** A new event id: a version 7 UUID, so that ids made later sort later and indexes stay dense. */
export function newEventId(): string {
  if (used === random.length) {
    randomFillSync(random)
    used = 0
  }
  const bytes = random.subarray(used, used + 16)
  used += 16
  const now = Date.now()
  if (now > lastMs) {
    lastMs = now
    // Half of the counter's range is left for the ids of the same millisecond.
    sequence = new DataView(bytes.buffer, bytes.byteOffset).getUint32(6) & 0x7fffffff
  } else {
    sequence = (sequence + 1) | 0
    if (sequence === 0) lastMs++
  }
  return v7({ random: bytes, msecs: lastMs, seq: sequence })
}

/** Whether a text is a UUID of any version, the nil and max UUIDs included. */
export function isUuid(text: unknown): text is string {
  return typeof text === 'string' && validate(text)
}
