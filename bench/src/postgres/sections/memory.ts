import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { median } from '../../measure.js'
import type { Goal } from '../../report.js'
import { annals } from '../annals.js'
import type { SectionRunner } from '../arena.js'
import { bare } from '../bare.js'
import type { MemorySample, Reader } from '../memory-child.js'
import { sizesOf } from './growth.js'

const readers: readonly { reader: Reader; name: string; kind: typeof annals }[] = [
  { reader: 'annals', name: 'Annals, readAll', kind: annals },
  { reader: 'annals-subscription', name: 'Annals, subscription', kind: annals },
  { reader: 'bare', name: 'bare pg, one select', kind: bare },
]

/** What a process needs that reads a million events. */
export const memory: SectionRunner = {
  id: 'memory',
  run: async (arena) => {
    const events = sizesOf(arena).at(-1) as number
    const curves = new Map<string, MemorySample[]>()
    const inUse = new Map<string, MemorySample[]>()
    for (const { reader, name, kind } of readers) {
      const { url } = await arena.filled(kind, events)
      arena.progress(`${name} reads ${events.toLocaleString('en-US')} events`)
      curves.set(name, await readInChild(url, reader, events))
      if (kind !== annals) continue
      arena.progress(`${name} reads them again and collects its garbage`)
      inUse.set(name, await readInChild(url, reader, events, '--expose-gc'))
    }
    const peak = (samples: readonly MemorySample[], of: 'rss' | 'used') =>
      Math.max(...samples.map((sample) => sample[of]))
    const typical = (samples: readonly MemorySample[]) => median(samples.map(({ used }) => used))
    const half = (samples: readonly MemorySample[], second: boolean) =>
      samples.filter(({ read }) => second === read > events / 2)
    return {
      title: `Memory while ${events.toLocaleString('en-US')} events are read`,
      notes: [
        'A process of its own reads everything and keeps nothing but a count: Annals with `for await … of readAll()`, and as a subscription from the start until it has caught up; bare with one select into an array. It notes its memory at every 20,000 events.',
        'RSS says what the process took from the system, which depends on when garbage is collected. So Annals reads everything once more and collects it before each note: "in use" is the heap and the buffers outside it then.',
      ],
      tables: [
        {
          title: 'MiB',
          columns: [
            '',
            'RSS before',
            'RSS peak, 1st half',
            'RSS peak, 2nd half',
            'in use, peak of the 1st half',
            'in use, peak of the 2nd half',
            'in use, median of the 1st half',
            'in use, median of the 2nd half',
            'events/s',
          ],
          rows: [...curves].map(([name, samples]) => {
            const last = samples.at(-1)
            const ends = (of: 'rss' | 'used', measured: readonly MemorySample[] | undefined) =>
              [false, true].map((second) =>
                measured === undefined ? null : mebibytes(peak(half(measured, second), of)),
              )
            return [
              name,
              mebibytes(samples[0]?.rss ?? 0),
              ...ends('rss', samples),
              ...ends('used', inUse.get(name)),
              ...[false, true].map((second) => {
                const noted = inUse.get(name)
                return noted === undefined ? null : mebibytes(typical(half(noted, second)))
              }),
              last === undefined ? null : last.read / (last.milliseconds / 1000),
            ]
          }),
        },
      ],
      plots: [
        {
          title: 'Memory while everything is read',
          kind: 'lines',
          xLabel: 'events read',
          yLabel: 'RSS, MiB',
          series: [...curves].map(([name, samples]) => ({
            name,
            points: samples.map(({ read, rss }) => ({ x: read, y: mebibytes(rss) })),
          })),
        },
      ],
      goals: readers
        .filter(({ kind }) => kind === annals)
        .flatMap(({ name }): Goal[] => {
          const samples = inUse.get(name) ?? []
          const goal = (what: string, of: (samples: readonly MemorySample[]) => number): Goal => ({
            what: `flat memory: ${name}, ${what} in use of the second half by the first`,
            aim: { atMost: 1.1 },
            measured: of(half(samples, true)) / of(half(samples, false)),
          })
          return [goal('peak', (of) => peak(of, 'used')), goal('median', typical)]
        }),
    }
  },
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20)
}

/** Where this file is TypeScript (in tests), the child is started as this process was. */
function childFile(): { file: string; flags: string[] } {
  const source = import.meta.url.endsWith('.ts')
  const file = fileURLToPath(
    new URL(source ? '../memory-child.ts' : '../memory-child.js', import.meta.url),
  )
  return { file, flags: source ? ['--conditions=annals:source', '--import', 'tsx'] : [] }
}

function readInChild(
  url: string,
  reader: Reader,
  events: number,
  ...more: string[]
): Promise<MemorySample[]> {
  const { file, flags } = childFile()
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...flags, ...more, file, url, reader, String(events)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    let complaint = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk.toString()
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(output) as MemorySample[])
      else reject(new Error(`The process that reads ended with code ${code}:\n${complaint}`))
    })
  })
}
