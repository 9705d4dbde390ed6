import { UnsupportedError } from '@annals/core'

/** UNSUPPORTED: the package that serves the URL's scheme is not installed. Nothing was sent. */
export class AdapterNotInstalledError extends UnsupportedError {
  constructor(
    readonly scheme: string,
    /** The packages that are not there. */
    readonly missing: readonly string[],
    /** The command that installs them. */
    readonly install: string,
    options?: { cause?: unknown },
  ) {
    super(`the scheme "${scheme}:"`, install, options)
    this.message = `A "${scheme}:" URL needs ${missing.join(' and ')}, which ${
      missing.length === 1 ? 'is' : 'are'
    } not installed. Run: ${install}`
  }
}

/** UNSUPPORTED: the package that serves the URL's scheme is installed, but cannot be used. `cause` says why. */
export class AdapterBrokenError extends UnsupportedError {
  constructor(
    readonly scheme: string,
    /** The package that failed. */
    readonly packageName: string,
    problem: string,
    install: string,
    options?: { cause?: unknown },
  ) {
    super(`the scheme "${scheme}:"`, install, options)
    this.message = `A "${scheme}:" URL needs ${packageName}, which is installed but ${problem}. Install it again, in a version that fits annals: ${install}`
  }
}
