import type { Harness, HookName, Subject } from './harness.js'

const all: Readonly<Record<HookName, true>> = {
  heldWriter: true,
  fragileHandle: true,
  slowHandle: true,
  throttledHandle: true,
  restartServer: true,
  foreignTransaction: true,
  requestCount: true,
  damageSnapshot: true,
  openUnmigrated: true,
  openUnprivileged: true,
  workerStore: true,
}

/** Every optional hook of a subject. */
export const hookNames = Object.keys(all) as readonly HookName[]

/** What is wrong with what a harness says about its hooks: a hook is either there, or its absence has a reason. */
export function hookProblems(harness: Harness, subject: Subject): string[] {
  return hookNames.flatMap((hook) => {
    const there = subject[hook] !== undefined
    const reason = harness.missing?.[hook]
    if (there && reason !== undefined)
      return [`${hook} is there, but harness.missing says that it is not: "${reason}"`]
    if (!there && (reason === undefined || reason.trim() === ''))
      return [`${hook} is missing, and harness.missing does not say why`]
    return []
  })
}
