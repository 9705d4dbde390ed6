import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { emptyDatabase } from './postgres.js'

const database = join(
  dirname(createRequire(import.meta.url).resolve('@eventide/message-db/package.json')),
  'database',
)

/** Its files in the order in which its own install.sh runs them; functions and indexes in that of install-functions.sh and install-indexes.sh. */
const files = [
  'roles/message-store.sql',
  'schema/message-store.sql',
  'extensions/pgcrypto.sql',
  'tables/messages.sql',
  'types/message.sql',
  ...[
    ...['message-store-version', 'hash-64', 'acquire-lock', 'category', 'is-category', 'id'],
    ...['cardinal-id', 'stream-version', 'write-message', 'get-stream-messages'],
    ...['get-category-messages', 'get-last-stream-message'],
  ].map((name) => `functions/${name}.sql`),
  ...['messages-id', 'messages-stream', 'messages-category'].map((name) => `indexes/${name}.sql`),
  ...readdirSync(join(database, 'privileges'))
    .filter((name) => name !== 'views.sql') // the views are reports; they are not installed here
    .map((name) => `privileges/${name}`),
]

/** Installs Message DB in an empty database. */
export async function installMessageDb(url: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  for (const file of files) await client.query(readFileSync(join(database, file), 'utf8'))
  await client.end()
}

/** A new database with Message DB in it; resolves with its URL. */
export async function messageDb(): Promise<string> {
  const url = await emptyDatabase()
  await installMessageDb(url)
  return url
}

/** Connections as its documentation sets them up: its functions are found without the schema's name. */
export function messageDbPool(url: string): pg.Pool {
  return new pg.Pool({ connectionString: url, options: '-c search_path=message_store,public' })
}
