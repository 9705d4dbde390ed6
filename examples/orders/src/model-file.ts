import { access, constants, mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Position } from 'annals'
import type { OrdersModel } from './read-model.js'

// Goes up when the model's shape or what it counts changes: an older file is then passed over.
const shape = 1

/** The read model as it was after the event at `position`: the two are only ever kept together. */
export interface KeptModel {
  readonly position: Position
  readonly model: OrdersModel
}

/** A file with the read model. */
export class ModelFile {
  readonly #path: string
  readonly #store: string

  /** @param store Names the event store: a file that was made from another is passed over. */
  constructor(path: string, store: string) {
    this.#path = path
    this.#store = store
  }

  /** Makes the folder. What cannot be written is found now rather than at the first save. */
  async prepare(): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true })
    await access(dirname(this.#path), constants.W_OK)
  }

  /** Null if there is none that can be used. */
  async read(): Promise<KeptModel | null> {
    try {
      const kept = JSON.parse(await readFile(this.#path, 'utf8'))
      return kept.shape === shape && kept.store === this.#store
        ? { position: kept.position, model: kept.model }
        : null
    } catch {
      return null // none, or unreadable: the model is built again from the events
    }
  }

  /** All or nothing, also if the process dies on the way: a new file takes the old one's name. */
  async write(kept: KeptModel): Promise<void> {
    const next = `${this.#path}.${process.pid}.next`
    const file = await open(next, 'w')
    try {
      await file.writeFile(JSON.stringify({ shape, store: this.#store, ...kept }))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(next, this.#path)
  }
}
