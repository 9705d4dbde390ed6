export { CaseContext, type ConformanceCase, type Level, type Need } from './case.js'
export { allCases } from './cases/index.js'
export type {
  FragileHandle,
  Harness,
  HeldWriter,
  HookName,
  SlowHandle,
  Subject,
  ThrottledHandle,
} from './harness.js'
export type { WorkerStore } from './history/worker-store.js'
export { hookNames } from './hooks.js'
export { type MemoryHarnessOptions, type MemoryWorld, memoryHarness } from './memory-harness.js'
export { type ModelOptions, runModel } from './model/run-model.js'
export { type MutantEntry, mutants } from './mutants.js'
export { type Runner, registerWith } from './register.js'
export { formatReport } from './report.js'
export { type Rule, type RuleId, rules, ruleText, type Section, sections } from './rules.js'
export {
  type ConformanceOptions,
  type ConformanceReport,
  type ModelResult,
  runConformance,
} from './run.js'
export {
  CaseFailure,
  type CaseOptions,
  type CaseResult,
  type Outcome,
  runCase,
} from './run-case.js'
