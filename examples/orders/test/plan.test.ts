import { expect, test } from 'vitest'
import { planDay } from '../src/simulation/plan.js'

test('the same seed plans the same day, another seed another', () => {
  expect(planDay(1, 200)).toEqual(planDay(1, 200))
  expect(planDay(1, 200)).not.toEqual(planDay(2, 200))
})

test('a day of some size has every course, every way of sending, and orders that contend', () => {
  const { plans } = planDay(1, 500)
  expect(new Set(plans.map(({ course }) => course)).size).toBe(7)
  expect(new Set(plans.flatMap(({ sending }) => sending)).size).toBe(3)
  expect(plans.some(({ repeatsAtTheEnd }) => repeatsAtTheEnd)).toBe(true)
  const kettles = plans.filter(({ lines }) => lines.some(({ sku }) => sku === 'kettle'))
  expect(kettles.length).toBeGreaterThan(100)
})

test('less is delivered than is wanted, and not all of it in the morning', () => {
  const { plans, deliveries } = planDay(1, 500)
  const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0)
  const wanted = sum(plans.flatMap(({ lines }) => lines.map(({ quantity }) => quantity)))
  const delivered = sum(deliveries.map(({ quantity }) => quantity))
  const morning = sum(deliveries.map((one) => (one.afterOrders === 0 ? one.quantity : 0)))
  expect(delivered).toBeLessThan(wanted)
  expect(morning).toBeLessThan(delivered)
})
