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
export { formatProgress, formatVerdict } from './format-verdict.js'
export { HistoryChecker } from './history-checker.js'
export { mergeHistory, readLog } from './merge.js'
export { type FaultName, faultNames, possibleFaults } from './nemesis.js'
export { type Around, RecordingError, type RecordOptions, recordHistory } from './record-history.js'
export { fileSink, type HistorySink, memorySink, Recorder } from './recorder.js'
export { recordingStore, Stalled } from './recording-store.js'
export { runSoak, type SoakOptions, type SoakProgress, type SoakResult } from './soak.js'
export { HistoryFormatError } from './state.js'
export type { HistoryCounts, HistoryVerdict } from './verdict.js'
export type { Violation } from './violations.js'
export { type OpenWorkerStore, openWorkerStore, type WorkerStore } from './worker-store.js'
export { runWorkload, type WorkloadOptions, type WorkloadPlan } from './workload.js'
