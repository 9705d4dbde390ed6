export { htmlReport } from './html.js'
export { junitReport } from './junit.js'
export { markdownReport } from './markdown.js'
export {
  type AnomalyRecord,
  type CaseRecord,
  type Found,
  joinSoaks,
  parseRecord,
  type RunRecord,
  recordOf,
  ruleVerdict,
  type SoakRecord,
  soakRunRecord,
  type TimelineOperation,
  type Verdict,
  verdictOf,
  withSoak,
} from './run-record.js'
export { soakRecordOf } from './soak-record.js'
