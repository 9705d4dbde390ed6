import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { type EventStore, openEventStore } from 'annals'
import type { Config } from '../config.js'
import { Shop, type Startup } from '../shop.js'

/** Where the service runs during the simulation. */
export interface Host {
  start(): Promise<Startup>
  /** Ends the service in good order. */
  stop(): Promise<void>
  /** Ends the service at once, as a power cut would. Null where that cannot be done. */
  readonly kill: (() => Promise<void>) | null
  /** The service's events, to look at when it has stopped. */
  openStore(): Promise<EventStore>
}

/** The service in this process, where its data live as long as the store is open: for `memory:`. */
export async function hostInProcess(config: Config): Promise<Host> {
  const store = await openEventStore(config.store)
  let shop: Shop | undefined
  return {
    kill: null,
    start: async () => {
      shop = await Shop.open(store, config)
      return shop.startup
    },
    stop: async () => shop?.close(),
    openStore: async () => store,
  }
}

/** How the service's process is started: the program, and Node's own arguments. */
export interface Launch {
  readonly program: string
  readonly execArgv: readonly string[]
}

/** The service in a process of its own, which can be killed. */
export function hostInChild(config: Config, launch: Launch): Host {
  let child: ChildProcess | undefined
  const ended = async (end: (running: ChildProcess) => void) => {
    const running = child
    if (!running) return
    child = undefined
    const exit = once(running, 'exit')
    end(running)
    const [code, signal] = await exit
    return code === 0 || signal === 'SIGKILL' ? undefined : (code ?? signal)
  }
  return {
    start: async () => {
      const args = ['--serve', '--store', config.store, '--port', String(config.port)]
      child = fork(launch.program, [...args, '--read-model', config.readModel], {
        execArgv: [...launch.execArgv],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      })
      return startupOf(child)
    },
    stop: async () => {
      // The service ends when its parent lets go of it, however the parent ends.
      const failure = await ended((running) => running.disconnect())
      if (failure !== undefined) throw new Error(`The service ended with ${failure}`)
    },
    kill: async () => {
      await ended((running) => running.kill('SIGKILL'))
    },
    openStore: () => openEventStore(config.store),
  }
}

function startupOf(child: ChildProcess): Promise<Startup> {
  return new Promise((resolve, reject) => {
    child.once('message', (startup) => resolve(startup as Startup))
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      reject(new Error(`The service ended with ${code ?? signal} before it was up`))
    })
  })
}
