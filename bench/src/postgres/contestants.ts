import { annals, annalsSameStore } from './annals.js'
import { bare } from './bare.js'
import type { ContestantKind } from './contestant.js'
import { emmett } from './emmett.js'
import { evtstore } from './evtstore.js'

/** Who takes part in each section, in the order of the tables. */
export const contestants: readonly ContestantKind[] = [annals, bare, emmett, evtstore]

/** Who takes part in addition where subscribers are measured. */
export const extraSubscribers: readonly ContestantKind[] = [annalsSameStore]
