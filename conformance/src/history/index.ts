export { checkHistory } from './check-history.js'
export type {
  AppendPart,
  AskedEvent,
  CallLine,
  DiedLine,
  GotLine,
  HistoryHeader,
  HistoryLine,
  Micros,
  NoteLine,
  QuietLine,
  Request,
  ReturnLine,
  SeenEvent,
} from './format.js'
export { HistoryChecker } from './history-checker.js'
export { HistoryFormatError } from './state.js'
export type { HistoryCounts, HistoryVerdict } from './verdict.js'
export type { Violation } from './violations.js'
