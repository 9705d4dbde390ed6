import { type Filter, InvalidArgumentError, matchesFilter } from '@annals/core'

/** A filter as the server takes it: on one of the two, and one expression. */
export interface ServerFilter {
  readonly filterOn: 'streamName' | 'eventType'
  readonly regex: string
}

/** Streams of the adapter's own (checkpoints, snapshots) begin so, in every namespace. */
const OWN = '~annals/'

/** How stream ids of the store and stream names of the server correspond. */
export class Names {
  readonly #prefix: string
  readonly #own: string

  constructor(namespace: string) {
    this.#prefix = namespace === '' ? '' : `${namespace}/`
    this.#own = namespace
  }

  /** The server's name of a stream. */
  toName(streamId: string): string {
    const name = this.#prefix + streamId
    if (name.startsWith(OWN))
      throw new InvalidArgumentError(
        'streamId',
        `must not start with ${JSON.stringify(OWN)}, where the store keeps its checkpoints and snapshots (a store with a namespace has no such rule)`,
      )
    return name
  }

  /** The id of a stream of this store, or null where the stream is not one of it. */
  toId(name: string): string | null {
    if (this.#prefix !== '')
      return name.startsWith(this.#prefix) ? name.slice(this.#prefix.length) : null
    return name.startsWith('$') || name.startsWith(OWN) ? null : name
  }

  checkpointStream(subscriptionId: string): string {
    return `${OWN}checkpoint/${this.#own}/${subscriptionId}`
  }

  snapshotStream(streamId: string): string {
    return `${OWN}snapshot/${this.#own}/${streamId}`
  }

  /**
   * The narrowest filter that the server can apply by itself. It takes one expression, on the stream's name or on the
   * event's type; what a filter says about both is completed by `passes`.
   *
   * Always a regular expression, never the server's list of prefixes: the server compares prefixes by the rules of a
   * culture, in which `Order` is not the beginning of `Order` followed by a combining accent.
   */
  serverFilter(filter: Filter | null): ServerFilter {
    const prefix = literal(this.#prefix)
    const categories = alternatives(filter?.categories)
    const streamPrefixes = alternatives(filter?.streamPrefixes)
    const types = alternatives(filter?.types)
    if (categories || streamPrefixes) {
      // The category ends at the first `-` or with the name: `Order` is not the category of `OrderItem-1`.
      const category = categories ? `(?=${categories}(?:-|$))` : ''
      return { filterOn: 'streamName', regex: `^${prefix}${category}${streamPrefixes ?? ''}` }
    }
    if (types) return { filterOn: 'eventType', regex: `^${types}$` }
    if (this.#prefix !== '') return { filterOn: 'streamName', regex: `^${prefix}` }
    return { filterOn: 'streamName', regex: `^(?!\\$|${literal(OWN)})` }
  }

  /**
   * Whether an event that came through `serverFilter` is one that was asked for. What the server writes into a stream
   * that is deleted for ever is an event of its own, not of the application.
   */
  passes(filter: Filter | null, streamId: string | null, type: string): streamId is string {
    return (
      streamId !== null && type !== '$streamDeleted' && matchesFilter(filter, { streamId, type })
    )
  }
}

/**
 * A list longer than this is left to `passes`: the server tries one text after the other on each event, and at 10,000 of them
 * a read takes seconds.
 */
const longestList = 500

function alternatives(texts: readonly string[] | undefined): string | undefined {
  return texts && texts.length <= longestList ? `(?:${texts.map(literal).join('|')})` : undefined
}

/** Escapes what has a meaning in a .NET regular expression. */
function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
