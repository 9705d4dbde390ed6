import type { Payload } from './driver.js'

/** Deeper nesting than this is refused: parsers of databases and of JSON itself overflow their stacks not far above. */
const maxDepth = 1000

interface Problem {
  path: string
  readonly text: string
}

/** JSON text of a value, or a copy of its bytes: what the caller does to the value later changes nothing. */
export function encodePayload(
  value: unknown,
): { readonly payload: Payload } | { readonly problem: Problem } {
  if (value instanceof Uint8Array) return { payload: Uint8Array.from(value) }
  const problem = findProblem(value, 0)
  return problem ? { problem } : { payload: JSON.stringify(value) }
}

/** JSON text of an object. */
export function encodeObject(
  value: unknown,
): { readonly text: string } | { readonly problem: Problem } {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !isPlain(value)) {
    return { problem: { path: '', text: `must be a JSON object, not ${describe(value)}` } }
  }
  const problem = findProblem(value, 0)
  return problem ? { problem } : { text: JSON.stringify(value) }
}

/** The bytes that a payload counts for in `limits`. */
export function payloadBytes(payload: Payload): number {
  return typeof payload === 'string' ? Buffer.byteLength(payload) : payload.byteLength
}

/** The value of a payload. Bytes come as a plain `Uint8Array`, whatever class the database client uses. */
export function decodePayload(payload: Payload): unknown {
  if (typeof payload === 'string') return JSON.parse(payload)
  return payload.constructor === Uint8Array
    ? payload
    : new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength)
}

/** Finds what would not come back equal. Paths are put together only when there is something to report. */
function findProblem(value: unknown, depth: number): Problem | null {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return null
    case 'number':
      return Number.isFinite(value)
        ? null
        : { path: '', text: `is ${value}, which JSON cannot hold` }
    case 'object':
      break
    default:
      return { path: '', text: `is ${describe(value)}, which JSON cannot hold` }
  }
  if (value === null) return null
  if (depth >= maxDepth) {
    return { path: '', text: `is nested deeper than ${maxDepth} levels, or refers to itself` }
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const problem = findProblem(value[i], depth + 1)
      if (problem) return inside(problem, `[${i}]`)
    }
    return null
  }
  if (!isPlain(value)) {
    return {
      path: '',
      text: `is ${describe(value)}, which would not come back equal; store a plain JSON value instead`,
    }
  }
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key]
    if (member === undefined) continue
    const problem = findProblem(member, depth + 1)
    if (problem) return inside(problem, `.${key}`)
  }
  return null
}

function inside(problem: Problem, step: string): Problem {
  problem.path = step + problem.path
  return problem
}

/** An object literal (of any realm) or one without a prototype. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') {
    return typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`
  }
  if (Array.isArray(value)) return 'an array'
  return `a ${(value.constructor as { name?: string } | undefined)?.name ?? 'object without a class'}`
}
