export type { FragileHandle, Harness, HeldWriter, HookName, Subject } from './harness.js'
