import { v7, validate } from 'uuid'

/** A new event id: a version 7 UUID, so that ids made later sort later and indexes stay dense. */
export function newEventId(): string {
  return v7()
}

/** Whether a text is a UUID of any version, the nil and max UUIDs included. */
export function isUuid(text: unknown): text is string {
  return typeof text === 'string' && validate(text)
}
