import { defineConfig, mergeConfig } from 'vitest/config'
import shared from '../../vitest.shared.js'

export default mergeConfig(
  shared,
  defineConfig({
    // These tests mostly wait for a server: two files at a time take half as long, also on two cores.
    test: { maxWorkers: 2 },
  }),
)
