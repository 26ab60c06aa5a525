/**
 * TCP as connections of the contract (contract.js), over Node's `net`. In a page there is no TCP, and every call says so.
 *
 * @module
 */

import { parseFor, tcpAddress } from './address.js'
import { LINGER_MS, READ_AHEAD, WRITES_AHEAD } from './contract.js'
import { TransportError, closedHere, fromSystem, interrupted, quiet } from './errors.js'
import { Incoming } from './incoming.js'
import { listen } from './listener.js'
import { Outgoing } from './outgoing.js'
import { builtin, gather, verifyEnd } from './platform.js'

/**
 * @typedef {import('node:net').Socket} Socket
 * @typedef {import('./contract.js').Connection} Connection
 */

/** How long each address of a name that has several is tried before the next joins in (RFC 8305 asks for up to 2 s). */
const NEXT_ADDRESS_MS = 1000
/** A port to ask the system for a way by. Nothing is sent there. */
const ANY_PORT = 443

/**
 * Dials and listens on `/ip4|ip6|dns|dns4|dns6/…/tcp/…` (listening on IP addresses alone).
 *
 * @param {import('./listener.js').ListenOptions} [options]
 * @returns {import('./contract.js').Transport}
 */
export function tcpTransport (options = {}) {
  return {
    dial (address, _role, signal) {
      const net = required()
      const { host, port, family } = parseFor(address, 'tcp')
      if (signal?.aborted) return quiet(Promise.reject(interrupted(signal)))
      const socket = net.connect({
        host,
        port,
        family,
        allowHalfOpen: true,
        noDelay: true,
        autoSelectFamily: family === 0,
        autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS
      })
      return quiet(connected(socket, signal).catch(async error => { throw await fromAfar(error, host) }))
    },
    listen_on (address) {
      const net = required()
      const route = parseFor(address, 'tcp')
      if (!route.literal) throw new TransportError('unsupported-address', `${address} cannot be listened on: name an IP address`)
      return listen(net, route, { begin: (socket, ready) => ready(new TcpConnection(socket)), end () {} }, options)
    }
  }
}

function required () {
  const net = builtin('node:net')
  if (net !== null) return net
  const sentence = 'A page cannot open TCP connections: use a /ws or /wss address here, or dial this one from a terminal'
  throw new TransportError('not-in-this-runtime', sentence)
}

/**
 * What an error of a dial means. Over IPv6 the answer of a firewall that something is prohibited, as several send it by default,
 * reads like a ban of this machine; where it is one, the system gives no way there.
 *
 * @param {Error} error
 * @param {string} host
 */
async function fromAfar (error, host) {
  const banned = error instanceof TransportError && error.system === 'EACCES' && host.includes(':')
  if (!banned || !await leadsTo(host)) return error
  const { system, errno } = error
  const sentence = 'a firewall there or on the way says that it is prohibited'
  return new TransportError('unreachable', sentence, { what: 'host', system, errno, cause: error })
}

/**
 * Whether the system has a way to an IPv6 address. Connecting a UDP socket sends nothing.
 *
 * @param {string} host
 * @returns {Promise<boolean>}
 */
function leadsTo (host) {
  const socket = builtin('node:dgram')?.createSocket('udp6')
  if (socket === undefined) return Promise.resolve(false)
  const led = new Promise(resolve => {
    socket.once('error', () => resolve(false))
    socket.connect(ANY_PORT, host, () => resolve(true))
  })
  return led.finally(() => socket.close())
}

/**
 * @param {Socket} socket connecting
 * @param {AbortSignal} [signal]
 * @returns {Promise<Connection>}
 */
function connected (socket, signal) {
  const connection = new TcpConnection(socket)
  if (signal !== undefined) connection.obey(signal)
  return quiet(new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(connection))
    connection.onFailure = reject
  }))
}

/** @implements {Connection} */
class TcpConnection {
  /** @type {string | null} */
  #local = null
  /** @type {string | null} */
  #remote = null
  #socket
  #incoming
  #outgoing = new Outgoing()
  #writes = 0
  /** @type {() => void} */
  #forget = () => {}
  /** @type {(error: Error) => void} told of the first failure */
  onFailure = () => {}

  /** @param {Socket} socket */
  constructor (socket) {
    this.#socket = socket
    this.#incoming = new Incoming(() => this.#resume())
    this.#note()
    socket.on('connect', () => this.#note())
    socket.on('data', chunk => this.#received(/** @type {Buffer} */ (chunk)))
    socket.on('drain', () => this.#outgoing.room())
    socket.on('end', () => verifyEnd(socket, () => this.#incoming.end()))
    socket.on('error', error => this.#failed(fromSystem(error, this.#remote === null ? 'connect' : 'stream')))
    // When nothing was said before, both sides have ended.
    socket.on('close', () => this.#failed(closedHere()))
  }

  get local_addr () {
    return this.#local
  }

  get remote_addr () {
    return this.#remote
  }

  get read () {
    return this.#incoming.iterator
  }

  /** @param {Uint8Array} bytes */
  write (bytes) {
    if (this.#outgoing.ended) return this.#outgoing.wait()
    gather(this.#socket)
    // A copy, which the `slice` of a Buffer is not: the driver's memory is its own again when this returns.
    const copy = new Uint8Array(bytes)
    this.#writes += 1
    // Node counts bytes alone: once in so many writes all have to be out.
    if (this.#writes % WRITES_AHEAD === 0) {
      const promise = this.#outgoing.wait()
      this.#socket.write(copy, () => this.#outgoing.room())
      return promise
    }
    return this.#socket.write(copy) ? Promise.resolve() : this.#outgoing.wait()
  }

  shutdown () {
    if (this.#outgoing.ended) return
    this.#outgoing.fail(closedHere())
    this.#socket.end()
  }

  close () {
    const socket = this.#socket
    this.shutdown()
    this.#incoming.drop(closedHere())
    if (socket.destroyed) return
    // Read and thrown away, or a peer that goes on sending would never hear the end.
    socket.resume()
    socket.destroySoon()
    const timer = setTimeout(() => socket.destroy(), LINGER_MS)
    socket.once('close', () => clearTimeout(timer))
  }

  /**
   * The driver's signal, for as long as the connection lives.
   *
   * @param {AbortSignal} signal
   */
  obey (signal) {
    const abort = () => {
      this.#failed(interrupted(signal), true)
      this.#socket.destroy()
    }
    signal.addEventListener('abort', abort, { once: true })
    this.#forget = () => signal.removeEventListener('abort', abort)
  }

  /** Both ends, as long as the system knows them. */
  #note () {
    const { localAddress, localPort, remoteAddress, remotePort } = this.#socket
    if (localAddress !== undefined && localPort !== undefined) this.#local = tcpAddress(localAddress, localPort)
    if (remoteAddress !== undefined && remotePort !== undefined) this.#remote = tcpAddress(remoteAddress, remotePort)
  }

  /** @param {Buffer} chunk */
  #received (chunk) {
    this.#incoming.push(buffer(chunk))
    if (this.#incoming.cost >= READ_AHEAD) this.#socket.pause()
  }

  #resume () {
    if (this.#incoming.cost < READ_AHEAD && this.#socket.isPaused()) this.#socket.resume()
  }

  /**
   * @param {Error} error
   * @param {boolean} [drop]
   */
  #failed (error, drop = false) {
    this.onFailure(error)
    if (drop) this.#incoming.drop(error)
    else this.#incoming.fail(error)
    this.#outgoing.fail(error)
    this.#forget()
  }
}

/**
 * The chunk alone: Node may hand out a part of a larger buffer.
 *
 * @param {Buffer} chunk
 * @returns {ArrayBuffer}
 */
function buffer (chunk) {
  const whole = /** @type {ArrayBuffer} */ (chunk.buffer)
  if (chunk.byteLength === whole.byteLength) return whole
  return whole.slice(chunk.byteOffset, chunk.byteOffset + chunk.byteLength)
}
