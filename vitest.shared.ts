import { basename, join } from 'node:path'
import { defineConfig } from 'vitest/config'

// `npm test` sets it and adds up the reports of all packages.
const reports = process.env.ANNALS_TEST_REPORTS
const packageName = process.env.npm_package_name ?? basename(process.cwd())

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
    ...(reports === undefined
      ? {}
      : {
          reporters: ['default', 'json'],
          outputFile: {
            json: join(reports, `${packageName.replace('@', '').replaceAll('/', '-')}.json`),
          },
        }),
  },
})
