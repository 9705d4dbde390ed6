import type { HookName } from '../harness.js'
import { hookNames } from '../hooks.js'
import type { Words } from './language.js'

/** What each hook does, in half a line. */
const hooks: Readonly<Record<HookName, string>> = {
  heldWriter: 'holds an append just before its commit, and kills its process',
  fragileHandle: 'cuts the connection around an append, makes an outage and ends it',
  slowHandle: 'lets a connection stand still without breaking it',
  throttledHandle: 'refuses requests for their rate',
  restartServer: 'kills the server and starts it on the same data',
  foreignTransaction: 'somebody else’s transaction in another table, that stays open',
  requestCount: 'counts what the first handle has sent',
  damageSnapshot: 'makes a stored snapshot unreadable',
  openUnmigrated: 'a handle whose tables are not there',
  openUnprivileged: 'a handle that may not append',
  workerStore: 'how other processes open the same data, for soaks',
}

/** A harness that opens fresh stores, and says of each hook that it is not built yet. */
export function harnessSkeleton({ pick, imported }: Words): string {
  const missing = hookNames
    .map((hook) => `    // ${hooks[hook]}\n    ${hook}: 'not built yet',`)
    .join('\n')
  return `${pick('', '// @ts-check\n')}// What the conformance suite needs around your store: fresh data for each case, and a second handle on it.
// Run it with: annals-conformance run ./harness${imported.replace('js', pick('ts', 'js'))} --bail
${pick(
  `import type { Harness } from '@annals/conformance'
import type { EventStore, StoreOptions } from '@annals/core'
import { type Client, openStore } from './driver${imported}'`,
  `import { openStore } from './driver${imported}'`,
)}

${pick(
  `/** A client of its own for each handle, as each process of an application has one. Sends nothing yet. */
function connect(_database: string): Client {`,
  `/**
 * A client of its own for each handle, as each process of an application has one. Sends nothing yet.
 * @param {string} _database
 */
function connect(_database) {`,
)}
  return { close: async () => {} }
}

let cases = 0

${pick('', "/** @type {import('@annals/conformance').Harness} */\n")}export const harness${pick(': Harness')} = {
  // The store, its server and where the server came from: it stands over each report.
  name: 'my store',

  async open(options) {
    // A database, a schema or a prefix that no other case uses. Empty.
    const database = \`case_\${++cases}\`
${pick(
  `    const opened: EventStore[] = []
    const open = (of?: StoreOptions): EventStore => {`,
  `    /** @type {import('@annals/core').EventStore[]} */
    const opened = []
    /** @param {import('@annals/core').StoreOptions} [of] */
    const open = (of) => {`,
)}
      const store = openStore(connect(database), of)
      opened.push(store)
      return store
    }
    const store = open(options)
    await store.migrate()
    return {
      store,
      openAnother: async (of) => open(of),
      async cleanup() {
        await Promise.all(opened.map((one) => one.close()))
        // Drop the database here.
      },
      // Hooks stand here, and no longer below in \`missing\`.
    }
  },

  // Each hook that is missing, and why: what it would prove is reported as not proven, with your words. Build them one
  // after the other, at the wire or in the client’s own middleware; docs/conformance.md says what each proves.
  missing: {
${missing}
  },

  // Stop here what this harness itself started, such as a server.
  async close() {},
}

export default harness
`
}
