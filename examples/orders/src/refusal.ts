/** Why a request is refused. Nothing was recorded; the same request may succeed later. */
export class Refusal extends Error {
  constructor(
    /** 'illegal': not in the state that the order is in. 'keyReused': the Idempotency-Key stands for another request. */
    readonly reason: 'malformed' | 'notFound' | 'illegal' | 'keyReused',
    message: string,
  ) {
    super(message)
    this.name = 'Refusal'
  }
}
