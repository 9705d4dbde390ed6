import { escapeMarkup } from './markup.js'
import type { TimelineOperation } from './run-record.js'

const rowHeight = 26
const labelWidth = 90
const chartWidth = 700

/**
 * Draws who did what and when: a row for each operation in the order of their calls, a bar from its call to its answer. An open
 * end never answered. The numbers lead to the list below, which says the same in words for those who cannot see it.
 */
export function timelineSvg(operations: readonly TimelineOperation[], title: string): string {
  if (operations.length === 0) return ''
  const sorted = [...operations].sort((a, b) => a.start - b.start)
  const first = Math.min(...sorted.map(({ start }) => start))
  const last = Math.max(...sorted.map(({ start, end }) => end ?? start))
  const scale = (time: number) =>
    labelWidth + ((time - first) / Math.max(1, last - first)) * (chartWidth - 60)
  const height = sorted.length * rowHeight + 10
  const bars = sorted.map((operation, index) => {
    const y = index * rowHeight + 5
    const x = scale(operation.start)
    const width = Math.max(24, scale(operation.end ?? last) - x + (operation.end === null ? 50 : 0))
    const kind = operation.end === null ? 'open' : 'bar'
    return [
      `<text x="0" y="${y + 14}">${escapeMarkup(shortened(operation.process))}</text>`,
      `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="18" rx="3" class="${kind}"/>`,
      `<text x="${(x + 4).toFixed(1)}" y="${y + 14}" class="on-${kind}">${index + 1}</text>`,
    ].join('')
  })
  const list = sorted.map(
    (operation) =>
      `<li><b>${escapeMarkup(operation.process)}</b> ${escapeMarkup(operation.text)}${operation.end === null ? ' (never answered)' : ''}</li>`,
  )
  const label = escapeMarkup(title)
  return `<figure class="timeline"><figcaption>${label}: a row for each, time from left to right${sorted.some(({ end }) => end === null) ? ', dashed where there was no answer' : ''}</figcaption><div class="scroll" tabindex="0" role="group" aria-label="Drawing: ${label}"><svg viewBox="0 0 ${labelWidth + chartWidth} ${height}" role="img" aria-label="${label}">${bars.join('')}</svg></div><ol>${list.join('')}</ol></figure>`
}

/** A name that fits before the bars. */
function shortened(process: string): string {
  const characters = [...process]
  return characters.length <= 11 ? process : `${characters.slice(0, 10).join('')}…`
}
