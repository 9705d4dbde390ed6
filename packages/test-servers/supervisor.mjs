// Runs one server and outlives nobody: when the process that asked for the server goes away, however it
// goes (SIGKILL included), the IPC channel closes, and this process ends the server and removes its files.
// Plain JavaScript, so that it runs the same from the sources and from a build.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'

/** @typedef {{ pid: number, parent: number, zombie: boolean }} Process */

/** @type {import('node:child_process').ChildProcess | undefined} */
let server
/** @type {string[]} */
let cleanup = []
let graceful = 'SIGTERM'
let leaving = false

/** @returns {Process[]} */
function processes() {
  if (existsSync('/proc/self/stat')) {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        try {
          const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
          // "pid (command) state parent …", and a command may contain spaces and brackets.
          const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
          return [{ pid: Number(name), parent: Number(parent), zombie: state === 'Z' }]
        } catch {
          return [] // it ended while we looked
        }
      })
  }
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [pid, parent, state] = line.trim().split(/\s+/)
      return { pid: Number(pid), parent: Number(parent), zombie: state?.startsWith('Z') ?? false }
    })
}

function descendants(root) {
  const all = processes().filter((process) => !process.zombie)
  const found = [root]
  for (let i = 0; i < found.length; i++) {
    for (const { pid, parent } of all) if (parent === found[i]) found.push(pid)
  }
  return found
}

function send(pid, signal) {
  try {
    process.kill(pid, signal)
  } catch {
    // gone already
  }
}

/**
 * What the loss of the machine's power does to the server: every process of it ends at once. The first one is stopped
 * before the list is made, because a postmaster that sees a child die would start a tidy recovery of its own. A
 * process group would not do: PostgreSQL's children each lead a session of their own.
 */
function killTree() {
  const root = server?.pid
  if (root === undefined || server?.exitCode !== null || server?.signalCode !== null) return []
  send(root, 'SIGSTOP')
  const family = descendants(root)
  for (const pid of [...family].reverse()) send(pid, 'SIGKILL')
  return family
}

async function gone(pids) {
  for (;;) {
    const alive = new Set(
      processes()
        .filter((process) => !process.zombie)
        .map((process) => process.pid),
    )
    if (!pids.some((pid) => alive.has(pid))) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function start({ run, command, args, cwd, env, uid, gid, log }) {
  const output = openSync(log, 'a')
  const child = spawn(command, args, {
    cwd,
    env,
    ...(uid === undefined ? {} : { uid, gid }),
    stdio: ['ignore', output, output],
    detached: true, // a Ctrl-C in the terminal is for the tests; the server is ended from here
  })
  server = child
  child.once('error', (error) => reply({ event: 'exit', run, reason: error.message }))
  child.once('exit', (code, signal) =>
    reply({
      event: 'exit',
      run,
      reason: signal === null ? `exit code ${code}` : `signal ${signal}`,
    }),
  )
}

function reply(message) {
  if (process.connected) process.send?.(message, () => {})
}

async function leave() {
  if (leaving) return
  leaving = true
  const child = server
  if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const family = descendants(child.pid)
    send(child.pid, graceful)
    const patience = setTimeout(() => {
      for (const pid of new Set([...family, ...killTree()])) send(pid, 'SIGKILL')
    }, 3000)
    await new Promise((resolve) => child.once('exit', resolve))
    clearTimeout(patience)
    await gone(family)
  }
  for (const path of cleanup) rmSync(path, { recursive: true, force: true, maxRetries: 5 })
  process.exit(0)
}

process.on('message', async (message) => {
  switch (message.do) {
    case 'guard':
      cleanup = message.cleanup
      break
    case 'start':
      graceful = message.graceful
      start(message)
      break
    case 'end':
      if (server?.pid !== undefined) send(server.pid, graceful)
      break
    case 'kill':
      await gone(killTree())
      break
  }
  reply({ event: 'done', id: message.id })
})
process.on('disconnect', leave)
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, leave)
