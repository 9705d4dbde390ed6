/** 'up': from the client to the server (requests). 'down': from the server to the client (answers). */
export type Direction = 'up' | 'down'

/** What a hook decides about a piece of data: let it pass, swallow it, or cut the connection instead of forwarding it. */
export type Verdict = 'forward' | 'drop' | 'cut'

/** One client's connection through the proxy. */
export interface ProxiedConnection {
  /** Counted from 1 in the order in which clients came. */
  readonly id: number
  /** Bytes that came from each side so far, the piece under judgement included. */
  readonly received: Readonly<Record<Direction, number>>
  /** Bytes that were swallowed by a hook's 'drop' or by `halfOpen`. */
  readonly lost: number
  /** Cuts it on both sides at once (TCP reset). */
  cut(): void
}

/**
 * Sees every piece of data before it is forwarded, in order, and may take its time: what follows in this direction of
 * this connection waits for the verdict. TCP knows no messages: one request may come in several pieces and several
 * requests in one.
 */
export type DataHook = (
  chunk: Buffer,
  direction: Direction,
  connection: ProxiedConnection,
) => Verdict | Promise<Verdict>

/** A pending cut: see `cutWhen`. */
export interface ArmedCut {
  /** Resolves when it has struck: the connection is cut by then. */
  readonly struck: Promise<void>
  readonly hasStruck: boolean
  /** It will not strike any more. */
  disarm(): void
}

/**
 * A TCP proxy between a client and a server, with which a test makes the faults of a network. Every fault is commanded,
 * none is left to chance, and none needs a sleep: a test arms it and awaits that it has struck.
 */
export interface TcpProxy extends AsyncDisposable {
  /** The port at 127.0.0.1 on which it takes clients. The same for its whole life. */
  readonly port: number
  /** The address it was given, with this proxy's host and port instead of the server's. */
  readonly url: string
  /** The connections that are open now. */
  readonly connections: readonly ProxiedConnection[]
  /** How many clients have connected in all, the refused ones included. */
  readonly accepted: number

  /** Cuts every open connection at once, with a TCP reset as a crashed peer's machine would send; resolves with their number. */
  cutAll(): number
  /**
   * While on, new connections are reset as soon as they come; open ones live on. The proxy keeps listening, so that
   * nobody else can get its port: a client sees a reset (ECONNRESET), where a dead server would refuse (ECONNREFUSED).
   */
  refuse(on: boolean): void
  /** Cuts everything and refuses everything, until `recover()`: a server or a network that is gone. */
  outage(): void
  /** Ends `refuse`, `pause`, `halfOpen`, `forget` and `outage`. */
  recover(): void

  /** Stops forwarding, in one direction or (default) in both, and keeps what arrives, for `resume`. New connections are taken too. */
  pause(direction?: Direction): void
  resume(direction?: Direction): void
  /**
   * While on, everything that arrives is swallowed and no end or reset is passed on: a connection that looks open to
   * each side while nothing gets through, as after a firewall has forgotten it. Ending it resets the connections that
   * lived through it, because bytes are missing in them.
   */
  halfOpen(on: boolean): void
  /**
   * The connections that are open now get nothing through any more, ends neither, as after a firewall has forgotten
   * them; new ones work. Resolves with their number. `recover()` resets those that have lost something by it.
   */
  forget(): number
  /** From now on, what arrives is forwarded so many milliseconds later, as over a longer line. Default 0. */
  delay(milliseconds: number): void

  /** Adds a hook; the first that says something other than 'forward' decides. Returns a function that removes it. */
  onData(hook: DataHook): () => void
  /**
   * Cuts the first connection on which a piece of data satisfies the predicate, INSTEAD of forwarding that piece; once.
   * `'up'` cuts before the server gets the request. `'down'` cuts after the server has produced its answer, which is
   * lost: the server has done the work, the client cannot know.
   */
  cutWhen(direction: Direction, predicate: (chunk: Buffer) => boolean): ArmedCut

  /** Cuts everything and stops listening. */
  close(): Promise<void>
}
