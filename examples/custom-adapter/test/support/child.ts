import { fork } from 'node:child_process'
import { on, once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A process of its own that runs `writer-process.ts`, and says when it stands ready. */
export async function startWriter(job: { file: string; name: string; appends: number }) {
  const child = fork(fileURLToPath(new URL('./writer-process.ts', import.meta.url)), [], {
    execArgv: ['--conditions=annals:source', '--import', 'tsx'],
  })
  // Keeps what arrives while nobody asks.
  const messages = on(child, 'message', { close: ['exit'] })
  const next = async (): Promise<unknown> => {
    const { done, value } = await messages.next()
    if (done) throw new Error(`the writer ended with ${child.exitCode ?? child.signalCode}`)
    return value[0]
  }
  child.send(job)
  await next()
  return {
    next,
    go: () => child.send('go'),
    async kill() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}
