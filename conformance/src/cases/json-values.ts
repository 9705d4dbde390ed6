import type { EventMetadata } from '@annals/core'

/** Values that stores are known to change, lose or choke on (READ-4), by what they are. */
export function jsonValues(): [what: string, value: unknown][] {
  return [
    ['null', null],
    ['true', true],
    ['false', false],
    ['0', 0],
    ['-0', -0],
    ['an empty string', ''],
    ['an empty object', {}],
    ['an empty list', []],
    ['2^53-1', Number.MAX_SAFE_INTEGER],
    ['-(2^53-1)', Number.MIN_SAFE_INTEGER],
    ['1e308', 1e308],
    ['-1e308', -1e308],
    ['5e-324', 5e-324],
    ['the largest number', Number.MAX_VALUE],
    ['0.1 + 0.2', 0.1 + 0.2],
    ['a number with 17 digits', 1.2345678901234567],
    ['1e21', 1e21],
    ['1e-7', 1e-7],
    ['numbers in a list', [0, -0, 1.5, -1.5, 1e100, 2 ** 53]],
    ['null and false in a list', [null, false, '', 0, [], {}]],
    ['U+0000', 'a\u0000b'],
    ['U+0000 alone', '\u0000'],
    ['U+0000 in a key', { 'a\u0000b': '\u0000' }],
    ['control characters', '\u0001\u001f\u007f\u0080\u009f\b\t\n\v\f\r'],
    ['a high surrogate alone', 'a\ud800b'],
    ['a low surrogate alone', '\udc00'],
    ['surrogates in the wrong order', '\udc00\ud800'],
    ['a surrogate alone in a key', { '\ud83d': 1 }],
    ['emoji', '🛒👩‍👩‍👧‍👦'],
    ['unusual Unicode', '\u2028\u2029\ufeff\ufffe\uffff\u202e\u200b'],
    ['composed and decomposed', ['\u00e9', 'e\u0301']],
    ['a __proto__ key', JSON.parse('{"__proto__":{"admin":true},"a":1}')],
    ['a constructor key', JSON.parse('{"constructor":{"prototype":1},"toString":null}')],
    ['digit strings as keys', { '10': 'a', '9': 'b', '-1': 'c', '01': 'd', '1.5': 'e' }],
    ['digit strings', ['1', '007', '1e5', '9007199254740993', '-0']],
    ['an empty key', { '': { '': 1 } }],
    ['keys that differ in case', { a: 1, A: 2 }],
    ['keys with dots, dollars and quotes', { 'a.b': 1, $set: 2, "'": 3, '"': 4, '\\': 5 }],
    ['keys that others reserve', { S: 'x', N: '1', NULL: true, M: {}, L: [], B: '', id: 1 }],
    ['words that are values', ['null', 'true', 'undefined', 'NaN', 'Infinity', '']],
    ['dates as text', ['2024-02-30T00:00:00Z', '2024-01-01T00:00:00.000Z', '0000-00-00']],
    ['white space', '  leading and trailing \t\n'],
    ['quotes and backslashes', '\'"`\\\\"\\u0000\\'],
    ['a long string', 'äöü€'.repeat(10_000)],
    ['a long list', Array.from({ length: 2_000 }, (_, i) => i)],
    ['a list in a list', [[[[[]]]], [[]]]],
    ['a hundred levels', nested(100)],
    ['a hundred levels of lists', nestedList(100)],
    ['many keys', Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`key ${i}`, i]))],
    ['an order', { id: 'o-1', lines: [{ sku: 'a', price: 12.34, tags: [] }], note: null }],
  ]
}

/** The objects among them, and what tracing uses, as metadata. */
export function jsonObjects(): [what: string, value: EventMetadata][] {
  const objects = jsonValues().flatMap(([what, value]): [string, EventMetadata][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? [[what, value as EventMetadata]]
      : [[`${what} as a property`, { value } as EventMetadata]],
  )
  return [...objects, ['correlation and causation', { correlationId: 'c', causationId: 'd' }]]
}

function nested(depth: number): unknown {
  let value: unknown = 'the bottom'
  for (let i = 0; i < depth; i++) value = { level: value }
  return value
}

function nestedList(depth: number): unknown {
  let value: unknown = []
  for (let i = 0; i < depth; i++) value = [value]
  return value
}
