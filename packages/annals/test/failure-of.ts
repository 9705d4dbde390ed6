import { type EventStoreError, isEventStoreError } from '../src/index.js'

/** The error of the store that the promise fails with. */
export async function failureOf(promise: Promise<unknown>): Promise<EventStoreError> {
  const error = await promise.then(
    () => new Error('It did not fail'),
    (reason: unknown) => reason,
  )
  if (!isEventStoreError(error)) throw error
  return error
}
