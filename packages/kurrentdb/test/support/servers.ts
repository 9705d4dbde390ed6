import { isNoServerError, type KurrentDbServer, startKurrentDb } from '@annals/test-servers'
import { StandIn } from '../stand-in/stand-in.js'

/** What a test runs against: the stand-in, always; and a real server, in memory and on disk, where there is one. */
export interface ServerUnderTest {
  /** Its version and where it comes from; a stand-in's name says that it is not KurrentDB. */
  readonly name: string
  readonly url: string
  readonly version: string
  /** The stand-in, for its faults and counters; undefined for a real server. */
  readonly standIn?: StandIn
  /** A real server of our own, which can be killed. */
  readonly server?: KurrentDbServer
  /** Ends the server as `kill -9` would, and starts it again on the same data. */
  readonly restart?: () => Promise<void>
  stop(): Promise<void>
}

export async function startStandIn(as?: '23.10.7' | '26.1.0'): Promise<ServerUnderTest> {
  const standIn = await StandIn.start(as ? { as } : {})
  return {
    name: standIn.describe(),
    url: standIn.url,
    version: standIn.version,
    standIn,
    restart: () => standIn.restart(),
    stop: async () => standIn.kill(),
  }
}

/** Null where there is no real server; then the report says so. */
export async function startReal(disk = false): Promise<ServerUnderTest | null> {
  try {
    const server = await startKurrentDb({ disk })
    return {
      name: server.describe(),
      url: server.url,
      version: server.version,
      ...(server.managed ? { server } : {}),
      ...(server.managed && disk
        ? {
            restart: async () => {
              await server.kill()
              await server.restart()
            },
          }
        : {}),
      stop: () => server.stop(),
    }
  } catch (error) {
    if (!isNoServerError(error)) throw error
    process.stderr.write(
      `[servers] No real KurrentDB or EventStoreDB here: these tests run on the stand-in only, which is NOT KurrentDB. ${error.message}\n`,
    )
    return null
  }
}

/** Whether a server lacks what came with 25.1: appends to several streams, and appends above 1 MiB. */
export function isBefore25Point1(version: string): boolean {
  return /^(?:2[0-4]|25\.0)\b/.test(version)
}
