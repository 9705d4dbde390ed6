import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Harness } from '@annals/conformance'
import {
  type Claims,
  castoreDynamoDbClaims,
  castoreMemoryClaims,
  castorePostgresClaims,
  emmettMemoryClaims,
  emmettPostgresqlClaims,
  eventstoreMemoryClaims,
  evtstoreMemoryClaims,
  evtstorePgClaims,
  messageDbClaims,
} from '../claims.js'
import { plainHarness } from '../in-process-harness.js'
import { postgresHarness } from '../postgres-harness.js'
import type { Manner } from '../published.js'
import { castoreDynamoDb, castoreMemory, castorePostgres } from './castore.js'
import { emmettMemory } from './emmett-memory.js'
import { emmettPostgresql } from './emmett-postgresql.js'
import { eventstoreMemory } from './eventstore-memory.js'
import { evtstoreMemory, evtstorePg } from './evtstore.js'
import { messageDb } from './message-db.js'

export interface Examined {
  /** The package that is examined, as npm knows it. */
  readonly package: string
  readonly claims: Claims
  harness(manner: Manner): Promise<Harness>
}

export const stores: Readonly<Record<string, Examined>> = {
  'emmett-postgresql': {
    package: '@event-driven-io/emmett-postgresql',
    claims: emmettPostgresqlClaims,
    harness: (manner) => postgresHarness(emmettPostgresql('STREAM_DOES_NOT_EXIST'), manner),
  },
  'emmett-postgresql-0n': {
    package: '@event-driven-io/emmett-postgresql',
    claims: emmettPostgresqlClaims,
    harness: (manner) => postgresHarness(emmettPostgresql('0n'), manner),
  },
  'emmett-memory': {
    package: '@event-driven-io/emmett',
    claims: emmettMemoryClaims,
    harness: async (manner) => plainHarness('Emmett in-memory', manner, emmettMemory),
  },
  'castore-memory': {
    package: '@castore/event-storage-adapter-in-memory',
    claims: castoreMemoryClaims,
    harness: async (manner) => plainHarness('Castore in-memory', manner, castoreMemory),
  },
  'castore-dynamodb': {
    package: '@castore/event-storage-adapter-dynamodb',
    claims: castoreDynamoDbClaims,
    harness: async (manner) => plainHarness('Castore DynamoDB', manner, castoreDynamoDb),
  },
  'castore-postgres': {
    package: '@castore/event-storage-adapter-postgres',
    claims: castorePostgresClaims,
    harness: (manner) => postgresHarness(castorePostgres, manner),
  },
  'evtstore-memory': {
    package: 'evtstore',
    claims: evtstoreMemoryClaims,
    harness: async (manner) => plainHarness('evtstore in-memory', manner, evtstoreMemory),
  },
  'evtstore-pg': {
    package: 'evtstore',
    claims: evtstorePgClaims,
    harness: (manner) => postgresHarness(evtstorePg, manner),
  },
  'eventstore-memory': {
    package: 'eventstore',
    claims: eventstoreMemoryClaims,
    harness: async (manner) => plainHarness('eventstore in-memory', manner, eventstoreMemory),
  },
  'message-db': {
    package: '@eventide/message-db',
    claims: messageDbClaims,
    harness: (manner) => postgresHarness(messageDb, manner),
  },
}

/** The version of a package as it is installed. Not all of them export their manifest. */
export function installedVersion(name: string): string {
  const require = createRequire(import.meta.url)
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      return JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')).version as string
    } catch {} // not in this folder
  }
  throw new Error(`${name} is not installed beside ${dirname(import.meta.url)}`)
}
