/**
 * Listening on TCP: what happens on a listener, as the events of the contract (contract.js).
 *
 * @module
 */

import { tcpAddress } from './address.js'
import { BACKLOG, INTERFACES_MS } from './contract.js'
import { fromSystem } from './errors.js'
import { builtin } from './platform.js'

/**
 * @typedef {import('./contract.js').Connection} Connection
 * @typedef {import('./contract.js').ConnectionEvent} ConnectionEvent
 * @typedef {import('./contract.js').ListenEvent} ListenEvent
 * @typedef {import('node:net').Socket} Socket
 * @typedef {{ new_addrs?: string[], expired_addrs?: string[], new_connections?: ConnectionEvent[] }} Happening
 */

/**
 * @typedef {object} ListenOptions
 * @property {() => string[]} [interfaces] the addresses of this machine, where not those of its interfaces
 * @property {number} [interfacesMs] how often they are looked at
 */

/** Of what Node lists, IPv6 link-local addresses cannot be dialed without naming the interface. */
const LINK_LOCAL = /^fe[89ab]/i

/** The wildcard addresses, however they are written. */
const WILDCARD = /^(0\.0\.0\.0|[0:]+)$/

/**
 * @param {typeof import('node:net')} net
 * @param {import('./address.js').Route} route
 * @param {(socket: Socket) => Connection} connection
 * @param {ListenOptions} options
 */
export function listen (net, { host, port, family }, connection, options) {
  const server = net.createServer({ allowHalfOpen: true, noDelay: true })
  const addresses = new Addresses(host, options.interfaces ?? (() => interfaces(family)))
  const events = new Events(() => stop())
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let timer
  const stop = () => {
    clearInterval(timer)
    server.close()
    events.end({ expired_addrs: addresses.forget() })
  }
  const look = () => {
    // What nobody has taken yet is not added to.
    if (events.waiting > 0) return
    const changes = addresses.look()
    if (changes !== null) events.push(changes)
  }
  server.on('connection', socket => {
    const event = accept(socket, connection)
    if (event === null || events.waiting >= BACKLOG) socket.destroy()
    else events.push({ new_connections: [event] })
  })
  server.on('error', error => {
    // Once it listens, an error is one of a single connection that could not be accepted.
    if (!server.listening) events.fail(fromSystem(error, 'connect'))
  })
  server.listen({ host, port, ipv6Only: true }, () => {
    // Stopped before it began: only now is there something to close.
    if (events.ended) return void server.close()
    const bound = /** @type {import('node:net').AddressInfo} */ (server.address())
    events.push(addresses.bound(bound.port))
    if (!addresses.wildcard) return
    timer = setInterval(look, options.interfacesMs ?? INTERFACES_MS)
    timer.unref()
  })
  return events.iterator
}

/**
 * @param {Socket} socket
 * @param {(socket: Socket) => Connection} connection
 * @returns {ConnectionEvent | null} null when it has gone before it could be told of
 */
function accept (socket, connection) {
  const accepted = connection(socket)
  const { local_addr, remote_addr } = accepted
  if (typeof local_addr !== 'string' || typeof remote_addr !== 'string') return null
  return { connection: accepted, local_addr, observed_addr: remote_addr }
}

/** The addresses that a listener has: one, or those of all interfaces. */
class Addresses {
  #host
  #interfaces
  #port = 0
  /** @type {string[]} as multiaddrs */
  #known = []

  /**
   * @param {string} host
   * @param {() => string[]} interfaces
   */
  constructor (host, interfaces) {
    this.#host = host
    this.#interfaces = interfaces
    this.wildcard = WILDCARD.test(host)
  }

  /**
   * @param {number} port
   * @returns {Happening}
   */
  bound (port) {
    this.#port = port
    this.#known = this.#now()
    return { new_addrs: this.#known }
  }

  /** What has changed. @returns {Happening | null} */
  look () {
    const before = this.#known
    const now = this.#now()
    const new_addrs = now.filter(address => !before.includes(address))
    const expired_addrs = before.filter(address => !now.includes(address))
    this.#known = now
    return new_addrs.length + expired_addrs.length === 0 ? null : { new_addrs, expired_addrs }
  }

  /** All of them, for the last time. */
  forget () {
    const known = this.#known
    this.#known = []
    return known
  }

  #now () {
    const hosts = this.wildcard ? this.#interfaces() : [this.#host]
    return hosts.map(host => tcpAddress(host, this.#port))
  }
}

/** @param {0 | 4 | 6} family */
function interfaces (family) {
  const all = Object.values(builtin('node:os')?.networkInterfaces() ?? {}).flatMap(list => list ?? [])
  const own = all.filter(({ family: of, address }) => of === `IPv${family}` && !LINK_LOCAL.test(address))
  return [...new Set(own.map(({ address }) => address))]
}

/** Events in the order they happen, each promised before or after it does. */
class Events {
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

  get ended () {
    return this.#ended
  }

  /** @param {Happening} event */
  push (event) {
    if (this.#ended) return close([event])
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

/**
 * Whoever dropped the promise need not hear of the failure.
 *
 * @param {Promise<ListenEvent>} promise
 */
function quiet (promise) {
  promise.catch(() => {})
  return promise
}

/** @param {Happening[]} events that nobody will take */
function close (events) {
  for (const { new_connections = [] } of events) {
    for (const { connection } of new_connections) connection.close()
  }
}
