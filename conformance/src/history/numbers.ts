/** A growing list of 32-bit integers: four bytes for each, however many there are. */
export class Numbers {
  #items: Int32Array
  length = 0

  constructor(capacity = 1024) {
    this.#items = new Int32Array(capacity)
  }

  push(value: number): void {
    if (this.length === this.#items.length) {
      const larger = new Int32Array(Math.max(16, this.#items.length * 2))
      larger.set(this.#items)
      this.#items = larger
    }
    this.#items[this.length++] = value
  }

  at(index: number): number {
    return this.#items[index]!
  }
}
