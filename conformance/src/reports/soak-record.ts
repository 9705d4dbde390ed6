import type { SoakResult } from '../history/soak.js'
import type { SoakRecord } from './run-record.js'

/** What is kept of a soak's result; `minutes` as they were asked for. */
export function soakRecordOf(result: SoakResult, minutes: number): SoakRecord {
  return {
    seed: result.seed,
    minutes,
    rounds: result.rounds,
    operations: result.operationsChecked,
    eventsChecked: result.eventsChecked,
    unknownOutcomes: result.unknownOutcomes,
    faults: { ...result.faultsInjected },
    faultsMissing: result.faultsMissing,
    checks: { ...result.checks },
    anomaliesByRule: { ...result.violationsByRule },
    anomalies: result.violations.map(({ rule, message, timeline }) => ({
      rule,
      message,
      timeline,
    })),
    histories: result.histories,
  }
}
