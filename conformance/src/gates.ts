/** A promise that a case holds and releases: how the cases put concurrent work in an order, without ever sleeping. */
export interface Gate<T = void> {
  readonly name: string
  readonly opened: Promise<T>
  readonly isOpen: boolean
  open(value: T): void
  fail(error: unknown): void
}

export function gate<T = void>(name: string): Gate<T> {
  let isOpen = false
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const opened = new Promise<T>((res, rej) => {
    resolve = res
    reject = rej
  })
  // A gate that fails while nobody waits is not an unhandled rejection: whoever waits later is told.
  opened.catch(() => {})
  return {
    name,
    opened,
    get isOpen() {
      return isOpen
    },
    open(value) {
      isOpen = true
      resolve(value)
    },
    fail(error) {
      isOpen = true
      reject(error)
    },
  }
}

/** How long a case lets a store answer before it takes it to be waiting, in milliseconds. Decides the order of things only. */
export const patienceMs = 3000

/**
 * Lets something have a head start without deciding anything: true where it settled meanwhile. For cases in which
 * a store may rightly answer at once or wait.
 */
export async function settledMeanwhile(
  promise: Promise<unknown>,
  ms = patienceMs,
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const settled = promise.then(
    () => true,
    () => true,
  )
  const patience = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  try {
    return await Promise.race([settled, patience])
  } finally {
    clearTimeout(timer)
  }
}
