import { accessSync, constants, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import {
  AccessDeniedError,
  CorruptError,
  type EventStoreError,
  SchemaMissingError,
  type TranslatedError,
  UnavailableError,
} from '@annals/core'
import { CommitFailed } from './sqlite-file.js'

/** What SQLite's result codes mean (https://www.sqlite.org/rescode.html); extended codes by how they begin. */
export function translateError(error: unknown, path: string): TranslatedError {
  if (error instanceof CommitFailed) {
    const translated = translateError(error.cause, path)
    // SQLITE_BUSY leaves the transaction open, and it was rolled back. After any other error, of a disk that fails while the
    // log is written or synced above all, the whole transaction may be in the log.
    return codeOf(error.cause).startsWith('SQLITE_BUSY')
      ? translated
      : { ...translated, outcomeUnknown: true }
  }
  const { message } = error as Error
  const code = codeOf(error)
  const of = (found: EventStoreError) => ({ error: found, retryable: false, outcomeUnknown: false })
  const transient = (what: string) => ({
    ...of(new UnavailableError(`${path} ${what} (${code}: ${message}).`, { cause: error })),
    retryable: true,
  })

  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return transient('is locked by another writer')
  }
  if (/^SQLITE_(READONLY|PERM|AUTH)/.test(code)) {
    const what = `${path} may not be written (${code}: ${message}): give this process the right to write the file and its folder.`
    return of(new AccessDeniedError(what, { cause: error }))
  }
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) {
    const what = `${path} is damaged or no database of SQLite (${code}: ${message}): restore it from a backup.`
    return of(new CorruptError(what, { cause: error }))
  }
  if (code === 'SQLITE_ERROR' && /^no such (table|column)/.test(message)) {
    const what = `The tables of Annals are not in ${path} (${message}): call migrate().`
    return of(new SchemaMissingError(what, { cause: error }))
  }
  if (code === 'SQLITE_FULL') return transient('has no room left on its disk')
  if (code === 'SQLITE_CANTOPEN') {
    if (deniedBySystem(path)) {
      return of(new AccessDeniedError(`${path} may not be opened (${message}).`, { cause: error }))
    }
    if (existsSync(dirname(path))) return transient('cannot be opened')
    const what = `There is no folder ${dirname(path)} for the file: create it.`
    return of(new UnavailableError(what, { cause: error }))
  }
  if (/^SQLITE_(IOERR|PROTOCOL|NOMEM|INTERRUPT)/.test(code)) return transient('cannot be used')
  const what = `SQLite refused a statement on ${path} (${code || 'no code'}: ${message}).`
  return of(new UnavailableError(what, { cause: error }))
}

/** The name of SQLite's result code. libsql names it everywhere but where opening fails: there it is a number in the text. */
function codeOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown }
  if (typeof code === 'string' && code.startsWith('SQLITE_')) return code
  return /^ConnectionFailed\(.*: 14"\)$/s.test(String(message)) ? 'SQLITE_CANTOPEN' : ''
}

function deniedBySystem(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return false
  } catch (error) {
    return ['EACCES', 'EPERM'].includes(String((error as { code?: unknown }).code))
  }
}
