import { evidence } from './html-evidence.js'
import { failures } from './html-failures.js'
import { matrix } from './html-matrix.js'
import { style } from './html-style.js'
import { runs as runTable, soaks, summary } from './html-summary.js'
import { escapeMarkup as esc } from './markup.js'
import type { RunRecord } from './run-record.js'

/** Runs side by side in one file that needs nothing else: no script, no font, no network. */
export function htmlReport(
  runs: readonly RunRecord[],
  title = 'Conformance of event stores',
): string {
  const different = (of: (run: RunRecord) => string) => esc([...new Set(runs.map(of))].join(', '))
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${esc(title)}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#matrix">To the rules</a>
<header><h1>${esc(title)}</h1>
<p>What each store promises, rule by rule, and what stands behind the answer. Every cell leads to its evidence, a red one to what went wrong.</p></header>
<main>
${summary(runs)}
${matrix(runs)}
${failures(runs)}
${soaks(runs)}
${runTable(runs)}
${evidence(runs)}
</main>
<footer><p>Annals conformance suite ${different((run) => run.suiteVersion)}, Node ${different((run) => run.node)}.</p></footer>
</body>
</html>
`
}
