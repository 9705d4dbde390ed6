import { expect, test } from 'vitest'
import { redactedUrl } from '../src/index.js'

test.each([
  ['memory:', 'memory:'],
  ['pglite:./data', 'pglite:./data'],
  ['postgres://host/db', 'postgres://host/db'],
  ['postgres://app@host:5432/db', 'postgres://app@host:5432/db'],
  ['postgres://app:hunter2@host/db?schema=x', 'postgres://app:***@host/db?schema=x'],
  ['postgres://app:hunter@2@host/db', 'postgres://app:***@host/db'],
  ['postgres://app:hunter/2@host/db', 'postgres://app:***@host/db'],
  ['postgres://app:hunter?2@host/db', 'postgres://app:***@host/db'],
  ['postgres://:hunter2@host/db', 'postgres://:***@host/db'],
  ['postgres://host/db?user=a&password=hunter2', 'postgres://host/db?user=a&password=***'],
  // Rather too much than too little: an unescaped password could look like this.
  ['postgres://host:5432/db?application_name=a@b', 'postgres://host:***@b'],
  [
    'kurrentdb://admin:hunter2@a:2113,b:2113?tls=true',
    'kurrentdb://admin:***@a:2113,b:2113?tls=true',
  ],
  [
    'dynamodb://eu-central-1/t?accessKeyId=A&secretAccessKey=B&endpoint=x',
    'dynamodb://eu-central-1/t?accessKeyId=***&secretAccessKey=***&endpoint=x',
  ],
])('%s', (url, redacted) => {
  expect(redactedUrl(url)).toBe(redacted)
})
