import {
  AccessDeniedError,
  CorruptError,
  type EventStoreError,
  InvalidArgumentError,
  SchemaMissingError,
  type TranslatedError,
  UnavailableError,
} from '@annals/core'
import { codeOf } from './append.js'
import { sqlStates } from './append-functions.js'
import { CommitUnknownError, GivenUpError } from './database.js'

/** The one place that knows the errors of `pg`, PGlite and the server, by SQLSTATE and by name of system error. */
export function translateError(cause: unknown, schema: string): TranslatedError {
  const code = codeOf(cause)
  const said = cause instanceof Error ? cause.message : String(cause)

  if (cause instanceof CommitUnknownError) {
    return later(new UnavailableError(said, { cause }), true)
  }
  if (cause instanceof GivenUpError) {
    return later(new UnavailableError(said, { cause }), false)
  }
  if (code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code)) {
    return translateState(code, said, schema, cause)
  }
  if (isBeforeSending(code, said)) {
    return later(
      new UnavailableError(`PostgreSQL cannot be reached: ${said || code}`, { cause }),
      false,
    )
  }
  if (code !== undefined || isConnectionLoss(said)) {
    return later(
      new UnavailableError(`The connection to PostgreSQL was lost: ${said || code}`, { cause }),
      true,
    )
  }
  return {
    error: new UnavailableError(`The PostgreSQL client failed: ${said}`, { cause }),
    retryable: false,
    outcomeUnknown: true,
  }
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
function translateState(
  code: string,
  said: string,
  schema: string,
  cause: unknown,
): TranslatedError {
  switch (code) {
    case sqlStates.joinedTooLate:
      return final(
        new InvalidArgumentError(
          'client',
          'is in a transaction that has already written something. Readers may have passed its place in the global order, so its events would come late. Join right after BEGIN, before the first write, or use store.transaction().',
          { cause },
        ),
      )
    case sqlStates.notInTransaction:
      return final(
        new InvalidArgumentError(
          'client',
          'has no open transaction that was joined: it is over, or BEGIN was not sent. Nothing was written.',
          { cause },
        ),
      )
    case '40001': // serialization_failure
    case '40P01': // deadlock_detected
    case '55P03': // lock_not_available
    case '57014': // query_canceled, e.g. by statement_timeout
    case sqlStates.newEpoch:
      return later(
        new UnavailableError(`PostgreSQL gave the statement up: ${said}`, { cause }),
        false,
      )
    case '25006': // read_only_sql_transaction: a replica, or a primary that has become one
      return later(
        new UnavailableError(`This PostgreSQL only reads (is it a replica?): ${said}`, { cause }),
        false,
      )
    case '57P03': // cannot_connect_now
    case '08001': // sqlclient_unable_to_establish_sqlconnection
    case '08004': // sqlserver_rejected_establishment_of_sqlconnection
      return later(new UnavailableError(`PostgreSQL does not serve: ${said}`, { cause }), false)
    case '57P01': // admin_shutdown
    case '57P02': // crash_shutdown
    case '57P05': // idle_session_timeout
    case '25P03': // idle_in_transaction_session_timeout
      return later(
        new UnavailableError(`PostgreSQL ended the connection: ${said}`, { cause }),
        true,
      )
    case '42P01': // undefined_table
    case '3F000': // invalid_schema_name
    case '42883': // undefined_function
    case '42703': // undefined_column
      return final(
        new SchemaMissingError(
          `The store's tables or functions are not in schema "${schema}" (${said}). Call migrate() with a role that may create them.`,
          { cause },
        ),
      )
    case '3D000': // invalid_catalog_name
      return final(new SchemaMissingError(`There is no such database: ${said}`, { cause }))
    case '42501': // insufficient_privilege
      return final(
        new AccessDeniedError(
          `PostgreSQL refused the right: ${said}. docs/postgres.md lists what a role needs.`,
          { cause },
        ),
      )
  }
  switch (code.slice(0, 2)) {
    case '28': // invalid authorization
      return final(new AccessDeniedError(`PostgreSQL refused the credentials: ${said}`, { cause }))
    case '08': // connection exception
      return later(
        new UnavailableError(`The connection to PostgreSQL was lost: ${said}`, { cause }),
        true,
      )
    case '53': // insufficient resources
      return later(
        new UnavailableError(`PostgreSQL is short of resources: ${said}`, { cause }),
        false,
      )
    case '22': // data exception
    case '54': // program limit exceeded
      return final(
        new InvalidArgumentError('event', `was refused by PostgreSQL (${code}): ${said}`, {
          cause,
        }),
      )
    case 'XX': // internal error, data corrupted
      return final(new CorruptError(`PostgreSQL failed (${code}): ${said}`, { cause }))
  }
  return final(
    new UnavailableError(`PostgreSQL refused the statement (${code}): ${said}`, { cause }),
  )
}

/** The connection was never made, so nothing was sent. */
function isBeforeSending(code: string | undefined, said: string): boolean {
  return (
    /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENOENT)$/.test(code ?? '') ||
    // pg and pg-pool, while connecting
    /^timeout exceeded when trying to connect|^Connection terminated due to connection timeout/.test(
      said,
    )
  )
}

function isConnectionLoss(said: string): boolean {
  return /connection (?:terminated|error|ended)|not queryable|Client was closed|socket|timeout/i.test(
    said,
  )
}

function later(error: EventStoreError, outcomeUnknown: boolean): TranslatedError {
  return { error, retryable: true, outcomeUnknown }
}

function final(error: EventStoreError): TranslatedError {
  return { error, retryable: false, outcomeUnknown: false }
}
