/**
 * What happens on a listener, as the events of the contract (contract.js).
 *
 * @module
 */

import { quiet } from './errors.js'

/**
 * @typedef {import('./contract.js').ConnectionEvent} ConnectionEvent
 * @typedef {import('./contract.js').ListenEvent} ListenEvent
 * @typedef {import('./contract.js').FailedConnection} FailedConnection
 * @typedef {{ new_addrs?: string[], expired_addrs?: string[], new_connections?: ConnectionEvent[],
 *   failed_connections?: FailedConnection[] }} Happening
 */

/** Events in the order they happen, each promised before or after it does. */
export class Events {
  /** @type {Happening[]} */
  #happened = []
  /** @type {{ promise: Promise<ListenEvent>, resolve: (event: ListenEvent) => void, reject: (error: Error) => void } | null} */
  #asked = null
  /** @type {Error | null} not yet told */
  #error = null
  #ended = false
  #stop

  /** @param {() => void} stop */
  constructor (stop) {
    this.#stop = stop
    const next = () => this.#next()
    /** @type {IterableIterator<Promise<ListenEvent>, undefined>} */
    this.iterator = {
      next,
      return: () => {
        if (!this.#ended) this.#stop()
        return { done: true, value: undefined }
      },
      [Symbol.iterator] () { return this }
    }
  }

  /** How many events nobody has taken. */
  get waiting () {
    return this.#happened.length
  }

  /** @param {Happening} event */
  push (event) {
    const asked = this.#asked
    this.#asked = null
    if (asked === null) this.#happened.push(event)
    else asked.resolve(this.#told(event))
  }

  /**
   * The last event. Those nobody took are forgotten, and their connections closed.
   *
   * @param {Happening} last
   */
  end (last) {
    close(this.#happened)
    this.#happened = []
    this.push(last)
    this.#ended = true
  }

  /** @param {Error} error */
  fail (error) {
    if (this.#ended) return
    this.#ended = true
    const asked = this.#asked
    this.#asked = null
    if (asked === null) this.#error = error
    else asked.reject(error)
  }

  /** @returns {IteratorResult<Promise<ListenEvent>, undefined>} */
  #next () {
    const event = this.#happened.shift()
    if (event !== undefined) return { done: false, value: Promise.resolve(this.#told(event)) }
    const error = this.#error
    this.#error = null
    if (error !== null) return { done: false, value: quiet(Promise.reject(error)) }
    if (this.#ended) return { done: true, value: undefined }
    this.#asked ??= asked()
    return { done: false, value: this.#asked.promise }
  }

  /**
   * The event as a driver gets it.
   *
   * @param {Happening} happening
   * @returns {ListenEvent}
   */
  #told (happening) {
    /** @type {Promise<ListenEvent> | null | undefined} */
    let next
    const following = () => {
      if (next === undefined) next = this.#next().value ?? null
      return next
    }
    return { ...happening, get next_event () { return following() } }
  }
}

function asked () {
  /** @type {(event: ListenEvent) => void} */
  let resolve = () => {}
  /** @type {(error: Error) => void} */
  let reject = () => {}
  /** @type {Promise<ListenEvent>} */
  const promise = new Promise((settle, refuse) => { resolve = settle; reject = refuse })
  return { promise: quiet(promise), resolve, reject }
}

/** @param {Happening[]} events that nobody will take */
function close (events) {
  for (const { new_connections = [] } of events) {
    for (const { connection } of new_connections) connection.close()
  }
}
