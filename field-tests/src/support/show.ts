/** What a finding came to: the behaviour was there (`shown`), and what was seen. */
export interface Observation {
  readonly shown: boolean
  readonly observed: string
}

/**
 * Runs a finding and says what was expected and what came. The exit code is 0 where the behaviour was there, 1 where it
 * was not (mended, perhaps: the entry in RESULTS.md is then out of date), 2 where the script itself failed.
 */
export async function show(expected: string, run: () => Promise<Observation>): Promise<void> {
  try {
    const { shown, observed } = await run()
    console.log(`expected: ${expected}`)
    console.log(`observed: ${observed}`)
    console.log(shown ? 'SHOWN' : 'NOT SHOWN')
    process.exitCode = shown ? 0 : 1
  } catch (error) {
    console.error(error)
    process.exitCode = 2
  }
  // Some of the examined packages keep timers or connections that cannot be ended from outside.
  process.exit()
}

/** How an error reads in one line. */
export function told(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

/** What a call that should fail fails with; undefined where it succeeds. */
export async function errorOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error ?? new Error('rejected with nothing'),
  )
}

/** A promise that is opened by hand. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}
