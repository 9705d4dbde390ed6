import type { DayResult, Narrator } from './day.js'

/** Tells on the console what happens. */
export const narrator: Narrator = {
  started({ url, resumed, finished }, seconds, again) {
    const from =
      resumed.position === null
        ? 'from the first event'
        : `resumed from position ${resumed.position} (${count(resumed.events)} events)`
    const left = finished === 0 ? '' : `; ${count(finished)} half-done orders finished`
    console.log(
      `  The service is up${again ? ' again' : ''} at ${url} after ${seconds.toFixed(1)} s: ` +
        `read model ${from}, ${count(resumed.caughtUpWith)} events behind${left}`,
    )
  },
  served(served, of) {
    if (served % Math.ceil(of / 10) === 0) console.log(`  ${count(served)} customers served`)
  },
  killed(served) {
    console.log(`  Killing the service (SIGKILL) after ${count(served)} customers`)
  },
}

/** Tells what came of the day. */
export function tellResult(result: DayResult): void {
  const { startups, tally, report, stock, findings, seconds, good } = result
  const crash =
    startups.length === 1
      ? 'No crash: the service was not killed'
      : `${count(tally.unanswered)} requests lost their answer in the crash and were repeated; ${count(tally.unansweredButDone)} of them had taken effect`
  const requests = Object.values(tally.answers).reduce((sum, answers) => sum + answers, 0)
  const snapshots = stock.reduce((sum, { fromSnapshot }) => sum + Number(fromSnapshot), 0)
  const stockEvents = stock.reduce((sum, { version }) => sum + Number(version), 0)
  console.log(`
What happened
  ${count(requests)} requests answered in ${seconds.toFixed(1)} s: ${Object.entries(tally.answers)
    .map(([status, answers]) => `${count(answers)} × ${status}`)
    .join(', ')}
  ${count(tally.conflicts)} conflicts (another request came first), each decided again
  ${count(tally.duplicates)} duplicates sent on purpose; ${count(tally.replayed)} requests found done already and answered as before
  ${crash}
  ${count(stockEvents)} events of stock, ${count(snapshots)} of which a reader need not read thanks to snapshots
  Orders: ${Object.entries(report.ordersByStatus as Record<string, number>)
    .filter(([, orders]) => orders > 0)
    .map(([status, orders]) => `${count(orders)} ${status}`)
    .join(', ')}
  Revenue: ${Object.entries(report.revenueByDay as Record<string, number>)
    .map(([day, cents]) => `${(cents / 100).toFixed(2)} on ${day}`)
    .join(', ')}

Checked from all ${count(findings.events)} events`)
  for (const { rule, violations } of findings.checks) tellCheck(rule, violations)
  tellCheck('Every request got the answer that was due', tally.surprises)
  console.log(good ? '\nAll is well.' : '\nSomething is wrong: see the lines with ✗.')
}

function tellCheck(rule: string, violations: readonly string[]): void {
  console.log(`  ${violations.length === 0 ? '✓' : '✗'} ${rule}`)
  for (const violation of violations.slice(0, 5)) console.log(`      ${violation}`)
  if (violations.length > 5) console.log(`      and ${count(violations.length - 5)} more`)
}

function count(number: number): string {
  return number.toLocaleString('en')
}
