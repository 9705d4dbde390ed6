import { defineConfig } from 'vitest/config'

// Tests run against the sources of the workspace's packages, never against a stale build.
export default defineConfig({
  resolve: { conditions: ['annals:source'] },
  ssr: { resolve: { conditions: ['annals:source'], externalConditions: ['annals:source'] } },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A pending promise is a bug of a test, never a reason to hang a build for ever.
    teardownTimeout: 20_000,
  },
})
