export { htmlReport } from './html.js'
export { junitReport } from './junit.js'
export { markdownReport } from './markdown.js'
export {
  type CaseRecord,
  parseRecord,
  type RunRecord,
  recordOf,
  type SoakRecord,
  type TimelineOperation,
  type Verdict,
  verdictOf,
} from './run-record.js'
