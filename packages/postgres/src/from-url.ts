import { InvalidArgumentError, type StoreOptions } from '@annals/core'
import { type PostgresEventStore, postgresStore } from './postgres-store.js'

/**
 * Opens a store by its URL, for applications that keep their configuration in one line:
 * `postgres://user:password@host:5432/database?schema=annals`, `pglite:./data`, `pglite:memory`.
 * `schema` is taken out of the parameters; the others are the client's. Nothing is sent.
 * @throws INVALID_ARGUMENT for another scheme. The message does not hold the URL, which may hold a password.
 */
export function postgresStoreFromUrl(url: string, options: StoreOptions = {}): PostgresEventStore {
  const { rest, schema } = takeSchema(url)
  const common = { ...options, ...(schema === undefined ? {} : { schema }) }
  const [, scheme, place = ''] = /^([a-z]+):(.*)$/is.exec(rest) ?? []
  switch (scheme?.toLowerCase()) {
    case 'postgres':
    case 'postgresql':
      // As pg reads it: spaces are encoded, and what the URL leaves out comes from the environment.
      if (!URL.canParse(rest.replaceAll(' ', '%20'), 'postgres://base')) {
        throw new InvalidArgumentError(
          'url',
          'is not one that PostgreSQL clients read: postgres://user:password@host:5432/database',
        )
      }
      return postgresStore({ ...common, connectionString: rest })
    case 'pglite': {
      const folder = decodeURIComponent(place)
      if (folder === '') {
        throw new InvalidArgumentError('url', "must name a folder, or 'memory': pglite:./data")
      }
      if (folder.includes('?')) {
        throw new InvalidArgumentError('url', 'of PGlite takes no parameter but "schema"')
      }
      const pglite = /^(?:memory|memory:\/\/)$/.test(folder) ? 'memory://' : folder
      return postgresStore({ ...common, pglite }) as unknown as PostgresEventStore
    }
    default:
      throw new InvalidArgumentError('url', 'must begin with postgres:, postgresql: or pglite:')
  }
}

function takeSchema(url: string): { rest: string; schema: string | undefined } {
  const question = url.indexOf('?')
  if (question === -1) return { rest: url, schema: undefined }
  const parameters = new URLSearchParams(url.slice(question + 1))
  const schema = parameters.get('schema') ?? undefined
  parameters.delete('schema')
  const query = parameters.toString()
  return { rest: url.slice(0, question) + (query === '' ? '' : `?${query}`), schema }
}
