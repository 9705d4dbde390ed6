/** Lets through while it is open; whoever comes while it is closed waits for the opening. */
export class Gate {
  #passing: Promise<void> | undefined
  #release: () => void = () => {}

  get passing(): Promise<void> | undefined {
    return this.#passing
  }

  close(): void {
    this.#passing ??= new Promise((resolve) => {
      this.#release = resolve
    })
  }

  open(): void {
    this.#passing = undefined
    this.#release()
  }
}
