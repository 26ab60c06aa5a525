/**
 * Writes that wait for room: the back-pressure of a Connection.
 *
 * @module
 */

import { quiet } from './errors.js'

/** @typedef {{ resolve: () => void, reject: (error: Error) => void }} Waiting */

/** Room to write, and the reason when there will be none again. */
export class Outgoing {
  /** @type {Waiting[]} one at most, unless the driver does not wait its turn */
  #waiting = []
  /** @type {Error | null} */
  #error = null

  get waiting () {
    return this.#waiting.length > 0
  }

  /** Whether nothing more can be written. */
  get ended () {
    return this.#error !== null
  }

  /** A promise of room, or the rejection that there will be none. */
  wait () {
    /** @type {Promise<void>} */
    const promise = new Promise((resolve, reject) => {
      if (this.#error === null) this.#waiting.push({ resolve, reject })
      else reject(this.#error)
    })
    return quiet(promise)
  }

  /** There is room. */
  room () {
    for (const waiting of this.#waiting.splice(0)) waiting.resolve()
  }

  /**
   * Writing is over. The first reason stays.
   *
   * @param {Error} error
   */
  fail (error) {
    this.#error ??= error
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#error)
  }
}
