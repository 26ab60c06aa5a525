/**
 * Listening on TCP: a server of Node and the addresses it has.
 *
 * @module
 */

import { tcpAddress } from './address.js'
import { BACKLOG, INTERFACES_MS } from './contract.js'
import { fromSystem } from './errors.js'
import { Events } from './events.js'
import { builtin } from './platform.js'

/**
 * @typedef {import('./contract.js').Connection} Connection
 * @typedef {import('./contract.js').ConnectionEvent} ConnectionEvent
 * @typedef {import('./events.js').Happening} Happening
 * @typedef {import('node:net').Socket} Socket
 */

/**
 * @typedef {object} ListenOptions
 * @property {() => string[]} [interfaces] the addresses of this machine, where not those of its interfaces
 * @property {number} [interfacesMs] how often they are looked at
 * @property {number} [handshakeMs] how long a client may take to ask for a WebSocket
 */

/**
 * How sockets become connections.
 *
 * @typedef {object} Accept
 * @property {(socket: Socket, ready: (made: Connection | Error) => void) => void} begin makes a connection of a socket, at once or
 *   later, or says why nothing comes of it; a socket that is one too many it destroys without a word
 * @property {() => void} end nobody listens any more: those that have not become a connection are destroyed
 */

/** Of what Node lists, IPv6 link-local addresses cannot be dialed without naming the interface. */
const LINK_LOCAL = /^fe[89ab]/i

/** The wildcard addresses, however they are written. */
const WILDCARD = /^(0\.0\.0\.0|[0:]+)$/

/**
 * @param {typeof import('node:net')} net
 * @param {import('./address.js').Route} route
 * @param {Accept} accept
 * @param {ListenOptions} options
 */
export function listen (net, { host, port, family, transport }, accept, options) {
  const server = net.createServer({ allowHalfOpen: true, noDelay: true })
  const suffix = transport === 'websocket' ? '/ws' : ''
  const addresses = new Addresses(host, suffix, options.interfaces ?? (() => interfaces(family)))
  const events = new Events(() => stop())
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let timer
  const stop = () => {
    clearInterval(timer)
    server.close()
    accept.end()
    events.end({ expired_addrs: addresses.forget() })
  }
  const look = () => {
    // What nobody has taken yet is not added to.
    if (events.waiting > 0) return
    const changes = addresses.look()
    if (changes !== null) events.push(changes)
  }
  server.on('connection', socket => {
    const ends = endsOf(socket, suffix)
    accept.begin(socket, made => {
      const gone = ends === null || events.waiting >= BACKLOG || !server.listening
      // Whoever failed has been answered, and is let go by whoever answered.
      if (made instanceof Error) return gone ? undefined : events.push({ failed_connections: [{ error: made, ...ends }] })
      if (gone) socket.destroy()
      else events.push({ new_connections: [{ connection: made, ...ends }] })
    })
  })
  server.on('error', error => {
    // Once it listens, an error is one of a single connection that could not be accepted.
    if (!server.listening) events.fail(fromSystem(error, 'connect'))
  })
  server.listen({ host, port, ipv6Only: true }, () => {
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
 * @param {string} suffix what stands on TCP
 * @returns {Pick<ConnectionEvent, 'local_addr' | 'observed_addr'> | null} null when it has gone before it could be told of
 */
function endsOf ({ localAddress, localPort, remoteAddress, remotePort }, suffix) {
  if (localAddress === undefined || localPort === undefined || remoteAddress === undefined || remotePort === undefined) return null
  return { local_addr: tcpAddress(localAddress, localPort) + suffix, observed_addr: tcpAddress(remoteAddress, remotePort) + suffix }
}

/** The addresses that a listener has: one, or those of all interfaces. */
class Addresses {
  #host
  #suffix
  #interfaces
  #port = 0
  /** @type {string[]} as multiaddrs */
  #known = []

  /**
   * @param {string} host
   * @param {string} suffix what stands on TCP
   * @param {() => string[]} interfaces
   */
  constructor (host, suffix, interfaces) {
    this.#host = host
    this.#suffix = suffix
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
    return hosts.map(host => tcpAddress(host, this.#port) + this.#suffix)
  }
}

/** @param {0 | 4 | 6} family */
function interfaces (family) {
  const all = Object.values(builtin('node:os')?.networkInterfaces() ?? {}).flatMap(list => list ?? [])
  const own = all.filter(({ family: of, address }) => of === `IPv${family}` && !LINK_LOCAL.test(address))
  return [...new Set(own.map(({ address }) => address))]
}
