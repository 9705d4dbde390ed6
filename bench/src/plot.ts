/** A panel of the SVG. */
export interface Plot {
  readonly title: string
  /** 'bars': each x a group of bars. 'lines': x are numbers. */
  readonly kind: 'bars' | 'lines'
  readonly xLabel?: string | undefined
  readonly yLabel: string
  readonly xLog?: boolean | undefined
  readonly yLog?: boolean | undefined
  readonly series: readonly PlotSeries[]
}

export interface PlotSeries {
  readonly name: string
  /** A null y leaves the place empty. */
  readonly points: readonly { readonly x: string | number; readonly y: number | null }[]
}

const panel = { width: 460, height: 280, left: 64, right: 12, top: 34, bottom: 66 }
const columns = 2
// Colours that also differ in brightness, for readers who cannot tell red from green.
const palette = ['#1b5e9b', '#e08a1e', '#7a7a7a', '#3f9e6e', '#b5476a', '#8c6bb1', '#bfb137']

/** One SVG document with all the panels, and a colour for each series name throughout. */
export function svgOf(title: string, plots: readonly Plot[]): string {
  const names = [...new Set(plots.flatMap((plot) => plot.series.map(({ name }) => name)))]
  const colour = (name: string) => palette[names.indexOf(name) % palette.length] ?? '#000'
  const rows = Math.ceil(plots.length / columns)
  const width = panel.width * columns
  const height = 40 + panel.height * rows
  const panels = plots.map((plot, i) => {
    const x = (i % columns) * panel.width
    const y = 40 + Math.floor(i / columns) * panel.height
    return `<g transform="translate(${x},${y})">${drawPanel(plot, colour)}</g>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="11">
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="12" y="24" font-size="16" font-weight="bold">${xml(title)}</text>
${panels.join('\n')}
</svg>
`
}

interface Axis {
  /** From a value to a share of the axis, 0 … 1. */
  readonly place: (value: number) => number
  readonly ticks: readonly number[]
}

function drawPanel(plot: Plot, colour: (name: string) => string): string {
  const inner = {
    width: panel.width - panel.left - panel.right,
    height: panel.height - panel.top - panel.bottom,
  }
  const values = plot.series.flatMap(({ points }) =>
    points.flatMap(({ y }) => (y === null ? [] : [y])),
  )
  const vertical = axis(values, plot.yLog === true, true)
  const y = (value: number) => panel.top + inner.height * (1 - vertical.place(value))
  const grid = vertical.ticks.map(
    (tick) =>
      `<line x1="${panel.left}" x2="${panel.width - panel.right}" y1="${fix(y(tick))}" y2="${fix(y(tick))}" stroke="#e4e4e4"/>` +
      text(panel.left - 6, y(tick) + 4, short(tick), 'end'),
  )
  const marks = plot.kind === 'bars' ? bars(plot, colour, inner, y) : lines(plot, colour, inner, y)
  const legend = plot.series.map(({ name }, i) => {
    const x = panel.left + ((i % 3) * inner.width) / 3
    const y = panel.height - 20 + Math.floor(i / 3) * 13
    return `<rect x="${fix(x)}" y="${y - 8}" width="9" height="9" fill="${colour(name)}"/>${text(x + 12, y, name)}`
  })
  return [
    `<text x="${panel.left}" y="16" font-weight="bold">${xml(plot.title)}</text>`,
    text(panel.left, 28, plot.yLabel),
    ...grid,
    ...marks,
    plot.xLabel === undefined
      ? ''
      : text(panel.left + inner.width / 2, panel.height - panel.bottom + 34, plot.xLabel, 'middle'),
    ...legend,
  ].join('')
}

type Inner = { readonly width: number; readonly height: number }

function bars(
  plot: Plot,
  colour: (name: string) => string,
  inner: Inner,
  y: (value: number) => number,
): string[] {
  const groups = [...new Set(plot.series.flatMap(({ points }) => points.map((p) => String(p.x))))]
  const group = inner.width / groups.length
  const bar = (group * 0.8) / plot.series.length
  const floor = panel.top + inner.height
  return [
    ...groups.map((name, i) => text(panel.left + (i + 0.5) * group, floor + 16, name, 'middle')),
    ...plot.series.flatMap(({ name, points }, s) =>
      points.flatMap((point) => {
        if (point.y === null) return []
        const x = panel.left + groups.indexOf(String(point.x)) * group + group * 0.1 + s * bar
        const top = Math.min(y(point.y), floor)
        return [
          `<rect x="${fix(x)}" y="${fix(top)}" width="${fix(bar * 0.92)}" height="${fix(floor - top)}" fill="${colour(name)}"><title>${xml(`${name}: ${short(point.y)}`)}</title></rect>`,
          `<text x="${fix(x + bar * 0.46)}" y="${fix(top - 3)}" text-anchor="middle" font-size="8">${short(point.y)}</text>`,
        ]
      }),
    ),
  ]
}

function lines(
  plot: Plot,
  colour: (name: string) => string,
  inner: Inner,
  y: (value: number) => number,
): string[] {
  const numbers = plot.series.flatMap(({ points }) => points.map((point) => Number(point.x)))
  const horizontal = axis(numbers, plot.xLog === true, false)
  const x = (value: number) => panel.left + inner.width * horizontal.place(value)
  const floor = panel.top + inner.height
  return [
    ...horizontal.ticks.map((tick) => text(x(tick), floor + 16, short(tick), 'middle')),
    ...plot.series.flatMap(({ name, points }) => {
      const known = points.flatMap((point) =>
        point.y === null ? [] : [{ x: x(Number(point.x)), y: y(point.y) }],
      )
      const path = known.map((point) => `${fix(point.x)},${fix(point.y)}`).join(' ')
      const dots = known.length > 40 ? [] : known
      return [
        `<polyline points="${path}" fill="none" stroke="${colour(name)}" stroke-width="1.8"/>`,
        ...dots.map(
          (dot) => `<circle cx="${fix(dot.x)}" cy="${fix(dot.y)}" r="2.6" fill="${colour(name)}"/>`,
        ),
      ]
    }),
  ]
}

/** Linear axes of heights begin at 0: a difference must not look larger than it is. */
function axis(values: readonly number[], logarithmic: boolean, fromZero: boolean): Axis {
  const least = Math.min(...values)
  const most = Math.max(...values)
  if (values.length === 0 || !Number.isFinite(least + most)) return { place: () => 0, ticks: [] }
  if (logarithmic && least > 0) {
    const low = fromZero ? Math.floor(Math.log10(least)) : Math.log10(least)
    const high = Math.max(fromZero ? Math.ceil(Math.log10(most)) : Math.log10(most), low + 1e-9)
    const ticks = Array.from(
      { length: Math.floor(high + 1e-9) - Math.ceil(low - 1e-9) + 1 },
      (_, i) => 10 ** (Math.ceil(low - 1e-9) + i),
    )
    return { place: (value) => (Math.log10(value) - low) / (high - low), ticks }
  }
  const low = fromZero ? 0 : least
  const span = Math.max(most - low, 1e-9)
  const raw = span / 5
  const magnitude = 10 ** Math.floor(Math.log10(raw))
  const step = magnitude * ([1, 2, 2.5, 5, 10].find((m) => m * magnitude >= raw) ?? 10)
  const top = fromZero ? Math.ceil(most / step) * step : most
  const first = Math.ceil(low / step)
  const ticks = Array.from(
    { length: Math.floor(top / step + 1e-9) - first + 1 },
    (_, i) => (first + i) * step,
  )
  return { place: (value) => (value - low) / (top - low || 1), ticks }
}

function short(value: number): string {
  const size = Math.abs(value)
  if (size >= 999_500) return `${Number((value / 1e6).toPrecision(3))}M`
  if (size >= 1000) return `${Number((value / 1000).toPrecision(3))}k`
  return String(Number(value.toPrecision(3)))
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end' = 'start') {
  return `<text x="${fix(x)}" y="${fix(y)}" text-anchor="${anchor}" fill="#333">${xml(content)}</text>`
}

function fix(value: number): string {
  return String(Number(value.toFixed(1)))
}

function xml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
