/** The report's style: light and dark by the reader's setting, and light on paper, where everything is unfolded. */
export const style = `
:root{color-scheme:light;--ink:#1b1f24;--soft:#525b65;--paper:#fff;--band:#f3f5f7;--line:#d5dae0;--link:#0a52b8;
--good:#0f5a24;--good-band:#e3f6e8;--good-bar:#2f9e52;--bad:#a40e26;--bad-band:#ffe9ea;--bad-bar:#d3263f;
--open:#704500;--open-band:#fff4d6;--open-bar:#e0a526;--none-bar:#b9c1ca}
@media screen and (prefers-color-scheme:dark){:root{color-scheme:dark;--ink:#e6eaef;--soft:#a9b4bf;--paper:#14181d;--band:#1e242b;--line:#39424c;--link:#7fb5ff;
--good:#7fdc98;--good-band:#12301c;--good-bar:#3fae63;--bad:#ffa3ac;--bad-band:#421319;--bad-bar:#f0566b;
--open:#f2c76b;--open-band:#3a2c09;--open-bar:#c08a1a;--none-bar:#56616d}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem;max-width:80rem;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);overflow-wrap:break-word}
h1{margin:0 0 .25rem;font-size:1.7rem}h2{margin-top:2.5rem;font-size:1.3rem}h3{margin:1.5rem 0 .3rem;font-size:1.05rem}h4{margin:0 0 .3rem;font-size:1rem}
a{color:var(--link)}:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-999rem}.skip:focus{position:static}
.scroll{overflow-x:auto}.scroll:focus-visible{outline-offset:-3px}
table{border-collapse:collapse;width:100%}
th,td{padding:.35rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
thead th{border-bottom:2px solid var(--line);vertical-align:bottom}
.plain{list-style:none;margin:0;padding:0;white-space:nowrap}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr));gap:1rem;margin:0;padding:0;list-style:none}
.card{padding:1rem;border:1px solid var(--line);border-top:6px solid var(--good-bar);border-radius:.4rem}.card.bad{border-top-color:var(--bad-bar)}
.card h3{margin:0}.card p{margin:.2rem 0}.card a{white-space:nowrap}.card ul{margin:.5rem 0;padding:0;list-style:none;font-size:.9rem}
.headline{font-size:1.3rem;font-weight:700}.share b{font-size:1.15rem}
.share-bar{display:flex;gap:2px;height:.8rem;margin:.3rem 0}
.share-bar span{min-width:3px;background:var(--none-bar)}.share-bar .proven{background:var(--good-bar)}
.share-bar .failed,.share-bar .known-failure{background:var(--bad-bar)}.share-bar .partly-proven,.share-bar .not-proven,.share-bar .observed{background:var(--open-bar)}
.matrix th[scope=row]{font-weight:400;min-width:11rem}.matrix th[scope=row] a{font-weight:600}
.gist{display:block;color:var(--soft);font-size:.875rem;line-height:1.35}
.matrix thead th+th{min-width:9rem}.matrix td{white-space:nowrap;padding:0;height:1px}
.matrix td a{display:block;height:100%;padding:.35rem .6rem;color:inherit}.matrix td a:focus-visible{outline-offset:-3px}
.section th{background:var(--band);color:var(--soft);font-weight:600}
.proven{color:var(--good)}td.proven{background:var(--good-band)}
.failed,.known-failure{color:var(--bad)}td.failed,td.known-failure{background:var(--bad-band);font-weight:600}
.partly-proven,.not-proven,.observed{color:var(--open)}td.partly-proven,td.not-proven,td.observed{background:var(--open-band)}
.not-offered,.not-run{color:var(--soft)}
.legend{padding-left:1.2rem;color:var(--soft);font-size:.9rem}
details{margin:.3rem 0;padding:.3rem .6rem;border:1px solid var(--line);border-radius:.3rem}
summary{cursor:pointer}
:target{scroll-margin-top:1rem}details:target,.failure:target{outline:3px solid var(--link);outline-offset:2px}
code{font:.92em ui-monospace,monospace}small{color:var(--soft)}
pre{padding:.8rem;background:var(--band);border-radius:.3rem;white-space:pre-wrap;overflow-wrap:anywhere;font:.875rem/1.45 ui-monospace,monospace}
.failure{margin:1rem 0;padding:1rem;border:1px solid var(--line);border-left:6px solid var(--bad-bar);border-radius:.4rem}
.failure p{margin:.4rem 0}.promise{color:var(--soft)}
dt{font-weight:600}dd{margin:0 0 .4rem}
.timeline{margin:1rem 0}figcaption{color:var(--soft);font-size:.9rem}
.timeline svg{display:block;width:100%;min-width:46rem;max-width:60rem}
.timeline text{font:12px ui-monospace,monospace;fill:var(--ink)}.timeline .on-bar{fill:var(--paper)}.timeline .on-open{fill:var(--open)}
.timeline .bar{fill:var(--link)}.timeline .open{fill:var(--open-band);stroke:var(--open);stroke-dasharray:4 3}
.timeline ol{margin:.5rem 0;overflow-wrap:anywhere}
footer{margin-top:3rem;color:var(--soft)}
@media (max-width:40rem){body{padding:1rem}.matrix .gist{display:none}.matrix th[scope=row]{min-width:6rem;position:sticky;left:0;background:var(--paper)}.matrix thead th+th{min-width:7rem}th,td{padding:.3rem .4rem}}
@media print{@page{margin:12mm}html{font-size:10.5px}body{max-width:none;padding:0}.skip{display:none}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
.scroll{overflow:visible}.cards{grid-template-columns:repeat(2,1fr)}.timeline svg{min-width:0}
table{table-layout:fixed}th,td,.matrix td{white-space:normal;overflow-wrap:anywhere;min-width:0}.plain{white-space:normal}.matrix th[scope=row],.matrix thead th+th{min-width:0}.matrix thead th:first-child{width:38%}
.card,.failure,.timeline,dl,tr,li,h2,h3,h4,summary{break-inside:avoid}h2,h3,h4,.section,summary{break-after:avoid}
thead{display:table-header-group}details::details-content{content-visibility:visible;display:block}
details:target,.failure:target{outline:none}a{color:inherit;text-decoration:none}}
`
