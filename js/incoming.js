/**
 * Bytes that have arrived and wait for the driver to read them: the `read` side of a Connection.
 *
 * @module
 */

import { quiet } from './errors.js'

/**
 * @typedef {object} Waiting a promise already handed out
 * @property {(bytes: ArrayBuffer | null) => void} resolve
 * @property {(error: Error) => void} reject
 */

/** @typedef {{ bytes: ArrayBuffer, cost: number }} Entry */

/** A queue of chunks and how it ends, read through an iterator of promises. */
export class Incoming {
  /** @type {Entry[]} chunks, those before #head already taken */
  #chunks = []
  #head = 0
  #cost = 0
  /** @type {Waiting | null} */
  #waiting = null
  /** @type {{ error: Error | null } | null} how it ended, until told */
  #end = null
  #done = false
  #took

  /** @param {() => void} [took] called after each chunk taken from the queue */
  constructor (took = () => {}) {
    this.#took = took
    const next = () => this.#next()
    /** @type {IterableIterator<Promise<ArrayBuffer | null>, undefined>} */
    this.iterator = { next, [Symbol.iterator] () { return this } }
  }

  /** What the chunks that wait cost. */
  get cost () {
    return this.#cost
  }

  /** Whether nothing more can arrive. */
  get ended () {
    return this.#done || this.#end !== null
  }

  /**
   * @param {ArrayBuffer} bytes
   * @param {number} [cost]
   */
  push (bytes, cost = bytes.byteLength) {
    // To a reader, nothing would mean the end.
    if (this.ended || bytes.byteLength === 0) return
    if (this.#waiting !== null) return this.#settle(waiting => waiting.resolve(bytes))
    this.#chunks.push({ bytes, cost })
    this.#cost += cost
  }

  /** The peer has ended its side in order. */
  end () {
    this.#finish(null)
  }

  /**
   * It broke. What has arrived can still be read.
   *
   * @param {Error} error
   */
  fail (error) {
    this.#finish(error)
  }

  /**
   * It is over, and what has arrived is dropped.
   *
   * @param {Error} error
   */
  drop (error) {
    this.#chunks = []
    this.#head = 0
    this.#cost = 0
    if (this.#end !== null) this.#end = { error }
    this.#finish(error)
  }

  /** @param {Error | null} error */
  #finish (error) {
    if (this.ended) return
    if (this.#waiting === null) {
      this.#end = { error }
      return
    }
    this.#done = true
    this.#settle(waiting => error === null ? waiting.resolve(null) : waiting.reject(error))
  }

  /** @param {(waiting: Waiting) => void} how */
  #settle (how) {
    const waiting = this.#waiting
    this.#waiting = null
    if (waiting !== null) how(waiting)
  }

  /** @returns {IteratorResult<Promise<ArrayBuffer | null>, undefined>} */
  #next () {
    if (this.#waiting !== null) throw new Error('the promise of the last read has not settled')
    const entry = this.#take()
    if (entry !== undefined) return { done: false, value: Promise.resolve(entry.bytes) }
    if (this.#done) return { done: true, value: undefined }
    /** @type {Promise<ArrayBuffer | null>} */
    const value = new Promise((resolve, reject) => { this.#waiting = { resolve, reject } })
    const end = this.#end
    this.#end = null
    if (end !== null) this.#finish(end.error)
    return { done: false, value: quiet(value) }
  }

  #take () {
    const entry = this.#chunks[this.#head]
    if (entry === undefined) return undefined
    this.#head += 1
    this.#cost -= entry.cost
    // Moving the rest down once for as many as were taken keeps each step cheap and frees what was read.
    if (this.#head * 2 >= this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#head)
      this.#head = 0
    }
    this.#took()
    return entry
  }
}
