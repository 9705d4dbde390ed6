/** The report's style: light and dark by the reader's setting, and plain on paper. */
export const style = `
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#fff;--band:#f3f5f7;--line:#d5dae0;--link:#0a52b8;
--good:#116329;--good-band:#e3f6e8;--bad:#a40e26;--bad-band:#ffe9ea;--open:#7a4b00;--open-band:#fff4d6}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaef;--soft:#a2adb8;--paper:#14181d;--band:#1e242b;--line:#39424c;--link:#7fb5ff;
--good:#7fdc98;--good-band:#12301c;--bad:#ff9aa4;--bad-band:#421319;--open:#f2c76b;--open-band:#3a2c09}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem;max-width:76rem;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
h1{margin:0 0 .25rem;font-size:1.7rem}h2{margin-top:2.5rem;font-size:1.3rem}h3{margin:1.5rem 0 .3rem;font-size:1.05rem}h4{margin:1rem 0 .3rem}
a{color:var(--link)}a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-999rem}.skip:focus{position:static}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{padding:.35rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
thead th{border-bottom:2px solid var(--line)}
.matrix td{white-space:nowrap}.matrix td a{color:inherit}
.section th{background:var(--band);color:var(--soft);font-weight:600}
.proven{color:var(--good)}td.proven{background:var(--good-band)}
.failed,.known-failure{color:var(--bad)}td.failed,td.known-failure{background:var(--bad-band);font-weight:600}
.partly-proven,.not-proven{color:var(--open)}td.partly-proven,td.not-proven{background:var(--open-band)}
.not-offered,.not-run{color:var(--soft)}
.legend{padding-left:1.2rem;color:var(--soft)}
details{margin:.3rem 0;padding:.3rem .6rem;border:1px solid var(--line);border-radius:.3rem}
details:target{border-color:var(--link)}
summary{cursor:pointer}
code{font:.92em ui-monospace,monospace}small{color:var(--soft)}
pre{overflow-x:auto;padding:.8rem;background:var(--band);border-radius:.3rem;white-space:pre-wrap;overflow-wrap:anywhere}
.timeline{margin:1rem 0}.timeline svg{width:100%;max-width:60rem}
.timeline text{font:12px ui-monospace,monospace;fill:var(--ink)}.timeline .number{fill:var(--paper)}
.timeline .bar{fill:var(--link)}.timeline .open{fill:var(--open);stroke:var(--open);stroke-dasharray:4 3;fill-opacity:.75}
footer{margin-top:3rem;color:var(--soft)}
@media print{body{max-width:none;padding:0;font-size:11px}.skip{display:none}.scroll{overflow:visible}article,tr{break-inside:avoid}
thead{display:table-header-group}a{color:inherit;text-decoration:none}}
`
