import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rules } from '../../src/index.js'
import { htmlReport, type RunRecord } from '../../src/reports/index.js'
import { launchChromium, requireChromium } from './chromium.js'
import { sampleRuns } from './sample-runs.js'

// The page is examined as people have it: in a browser, wide, narrow, dark, by keyboard, and on paper. What is run in
// the page stands here as text, because this package is compiled without the types of a browser.
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let browser: Browser
let runs: RunRecord[]
let html: string

beforeAll(async () => {
  runs = await sampleRuns()
  html = htmlReport(runs)
  browser = await launchChromium()
  // A machine without a browser gets one first.
}, 600_000)
afterAll(() => browser?.close())

/** Opens the page and does something with it; fails where the page asks for anything from anywhere. */
async function onPage<T>(
  options: BrowserContextOptions,
  use: (page: Page) => Promise<T>,
  markup = html,
): Promise<T> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  try {
    const page = await context.newPage()
    const requests: string[] = []
    await page.route('**/*', (route) => {
      requests.push(route.request().url())
      return route.abort()
    })
    await page.setContent(markup)
    const result = await use(page)
    expect(requests, 'requests that left the page').toEqual([])
    return result
  } finally {
    await context.close()
  }
}

/** What axe finds, a line each: WCAG 2.2 A and AA, and its best practices (landmarks, order of headings). */
async function violations(page: Page): Promise<string[]> {
  // What is folded away is read by somebody too.
  await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
  await page.evaluate(axe)
  const found = (await page.evaluate('axe.run(document)')) as {
    violations: { id: string; nodes: { html: string; failureSummary: string }[] }[]
    passes: { id: string }[]
  }
  // It has looked at all: a page in which it finds nothing to examine would pass too.
  for (const id of ['color-contrast', 'heading-order', 'landmark-one-main', 'scope-attr-valid'])
    expect(
      found.passes.map((rule) => rule.id),
      `axe's ${id}`,
    ).toContain(id)
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map((node) => `${id}: ${node.html.slice(0, 120)} ${node.failureSummary}`),
  )
}

/** The contrast of each text in drawings with what is behind it, which axe does not look at. */
const drawnContrasts = `[...document.querySelectorAll('.timeline svg text')].map((text) => {
  const luminance = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map((part) => {
      const c = Number(part) / 255
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = /^on-/.test(text.getAttribute('class') ?? '')
    ? getComputedStyle(text.previousElementSibling).fill
    : getComputedStyle(document.body).backgroundColor
  const [least, most] = [luminance(getComputedStyle(text).fill), luminance(behind)].sort((a, b) => a - b)
  return (most + 0.05) / (least + 0.05)
})`

const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'

describe('the report in a browser', () => {
  it('can be used by everybody, in the light and in the dark', async () => {
    const background: string[] = []
    for (const colorScheme of ['light', 'dark'] as const)
      await onPage({ colorScheme }, async (page) => {
        expect(await violations(page), colorScheme).toEqual([])
        const drawn = (await page.evaluate(drawnContrasts)) as number[]
        expect(drawn.length).toBeGreaterThan(10)
        for (const contrast of drawn) expect(contrast, colorScheme).toBeGreaterThanOrEqual(4.5)
        background.push(
          (await page.evaluate('getComputedStyle(document.body).backgroundColor')) as string,
        )
      })
    expect(background).toEqual(['rgb(255, 255, 255)', 'rgb(20, 24, 29)'])
  })

  it('is read well by a reader of screens: a page without that is noticed', async () => {
    const spoilt = html
      .replace('--soft:#525b65', '--soft:#b0b8c0')
      .replace('<main>', '<div>')
      .replace('</main>', '</div>')
      .replaceAll('<h2 ', '<h5 ')
      .replaceAll('</h2>', '</h5>')
    const found = await onPage(
      {},
      async (page) => {
        await page.evaluate(axe)
        const { violations } = (await page.evaluate('axe.run(document)')) as {
          violations: { id: string }[]
        }
        return violations.map(({ id }) => id)
      },
      spoilt,
    )
    for (const id of ['color-contrast', 'landmark-one-main', 'heading-order'])
      expect(found).toContain(id)
  })

  it('has headers with a scope in every table', async () => {
    await onPage({}, async (page) => {
      const scopes = (await page.evaluate(
        "[...document.querySelectorAll('th')].map((one) => one.scope)",
      )) as string[]
      expect(new Set(scopes)).toEqual(new Set(['col', 'row', 'rowgroup']))
      expect(await page.locator('table:not(:has(thead th[scope=col]))').count()).toBe(0)
      expect(await page.locator('tbody tr:not(:has(> th[scope]))').count()).toBe(0)
    })
  })

  it('fits wide and narrow screens: a table that does not scrolls by itself', async () => {
    for (const width of [1280, 400])
      await onPage({ viewport: { width, height: 900 } }, async (page) => {
        await page.evaluate(
          "document.querySelectorAll('details').forEach((one) => { one.open = true })",
        )
        expect(await page.evaluate(overflow), `at ${width} pixels`).toBe(0)
        const picture = await page.screenshot()
        expect(picture.subarray(1, 4).toString()).toBe('PNG')
        // The names of the rules stay in sight while the stores are scrolled through.
        await page.evaluate("document.querySelector('.matrix').parentElement.scrollLeft = 300")
        const rule = await page.locator('.matrix th[scope=row] a').first().boundingBox()
        if (width === 400) expect(rule?.x).toBeGreaterThanOrEqual(0)
      })
  })

  it('lets the keyboard reach every cell, with a focus that can be seen', async () => {
    await onPage({}, async (page) => {
      const reached = new Set<string>()
      let skipped = ''
      for (let stops = 0; stops < 1000; stops++) {
        await page.keyboard.press('Tab')
        const at = (await page.evaluate(`(() => {
          const at = document.activeElement
          if (at === document.body) return null
          const { outlineStyle, outlineWidth } = getComputedStyle(at)
          const cell = at.closest('.matrix td')
          return {
            text: at.textContent.slice(0, 40),
            seen: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
            cell: cell && cell.parentElement.rowIndex + '/' + cell.cellIndex,
          }
        })()`)) as { text: string; seen: boolean; cell: string | null } | null
        if (at === null) break
        if (stops === 0) skipped = at.text
        expect(at.seen, `the focus on ${at.text}`).toBe(true)
        if (at.cell !== null) reached.add(at.cell)
        if (reached.size === (rules.length + 1) * runs.length) break
      }
      expect(skipped).toBe('To the rules')
      expect(reached.size).toBe((rules.length + 1) * runs.length)
    })
  })

  it('leads from a red cell to the counterexample in one step, from a green one to its cases', async () => {
    await onPage({}, async (page) => {
      const row = page.locator('.matrix tr', { has: page.locator('a', { hasText: /^ALL-4$/ }) })
      const red = row.locator('td.failed a')
      expect(await red.count()).toBe(1)
      await red.focus()
      await page.keyboard.press('Enter')
      const shown = page.locator(':target')
      expect(await shown.locator('pre').textContent()).toContain('appeared behind a reader')
      expect(await shown.locator('svg rect').count()).toBe(4)
      expect(await inSight(page, ':target h4')).toBe(true)
      expect(await inSight(page, ':target svg')).toBe(true)

      const text = runs[1]?.results.find(({ id }) => id === 'APPEND-5/last-event')?.error ?? ''
      await page.locator('.matrix td.failed a').first().click()
      expect(text).toContain('came:')
      expect(await page.locator(':target pre').textContent()).toContain(text.match(/came:.*/)?.[0])

      // Who did what before it: of a case, too.
      expect(await page.locator(':target svg rect').count()).toBeGreaterThan(3)

      await page.locator('.matrix td.proven a').first().click()
      expect(await page.locator('details:target').count()).toBe(1)
      expect(await inSight(page, ':target summary')).toBe(true)
    })
  })

  it('is whole on paper: nothing cut at the side, nothing folded away', async () => {
    // The width of A4 between the margins, at 96 pixels an inch.
    await onPage({ viewport: { width: 703, height: 1000 }, colorScheme: 'dark' }, async (page) => {
      await page.emulateMedia({ media: 'print' })
      expect(await page.evaluate(overflow)).toBe(0)
      const cut = await page.evaluate(
        "[...document.querySelectorAll('.scroll, td, th, pre')].filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.outerHTML.slice(0, 200))",
      )
      expect(cut).toEqual([])
      const folded = await page.evaluate(
        "[...document.querySelectorAll('details:not([open]) li')].filter((one) => !one.checkVisibility({ contentVisibilityAuto: true })).length",
      )
      expect(folded).toBe(0)
      expect(await page.locator('details:not([open]) li').count()).toBeGreaterThan(50)
      expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(
        'rgb(255, 255, 255)',
      )
      const tables = await page.evaluate(
        "[...document.querySelectorAll('tr')].map((one) => getComputedStyle(one).breakInside)",
      )
      expect(new Set(tables as string[])).toEqual(new Set(['avoid']))
      const pdf = await page.pdf({ format: 'A4' })
      expect(pdf.subarray(0, 5).toString()).toBe('%PDF-')
      expect(pdf.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length).toBeGreaterThan(5)
    })
  })
})

async function inSight(page: Page, selector: string): Promise<boolean> {
  return (await page.evaluate(`(() => {
    const { top, bottom } = document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect()
    return top >= 0 && bottom <= innerHeight
  })()`)) as boolean
}

describe('the browser', () => {
  it('is the one that CHROME_PATH names, or is installed, or its absence says how to get one', () => {
    expect(requireChromium({ CHROME_PATH: '/opt/chrome', PATH: '' })).toBe('/opt/chrome')
    const calls: string[] = []
    const install = () => {
      calls.push('installed')
      return 'and only root could install it'
    }
    expect(() => requireChromium({ PATH: '/nowhere' }, install)).toThrow(
      /there is none \(and only root could install it\)\. .*apt-get install chromium.*CHROME_PATH/,
    )
    expect(calls).toEqual(['installed'])
  })
})
