/**
 * A WebSocket as a connection of the contract (contract.js).
 *
 * @module
 */

import { tcpAddress } from './address.js'
import { LINGER_MS, MESSAGE_COST, MOST_LINGERING, READ_AHEAD, UNREAD_LIMIT, WRITES_AHEAD, WRITE_AHEAD } from './contract.js'
import { TransportError, closedHere, fromSystem, interrupted, quiet } from './errors.js'
import { Incoming } from './incoming.js'
import { Outgoing } from './outgoing.js'
import { gather, verifyEnd } from './platform.js'

/** @typedef {import('./contract.js').Connection} Connection */

/** Close codes that say good-bye and nothing else: done, going away, none given (RFC 6455, section 7.4.1). */
const GOODBYES = [1000, 1001, 1005]

/** The code of a connection that ended without a Close frame. */
const NO_CLOSE_FRAME = 1006

/** How long the first look at a full buffer waits, and the longest, in milliseconds: no platform tells when it empties. */
const FIRST_LOOK_MS = 1
const LONGEST_LOOK_MS = 32

/** Connections given up whose peers have not answered yet. */
let lingering = 0

/**
 * A WebSocket, and what the package `ws` has beyond the platform's.
 *
 * @typedef {WebSocket & {
 *   on?: {
 *     (event: 'ping', listener: () => void): void,
 *     (event: 'upgrade', listener: (response: { socket: import('node:net').Socket }) => void): void,
 *     (event: 'unexpected-response', listener: (request: unknown, response: Response) => void): void
 *   },
 *   terminate?: () => void,
 *   isPaused?: boolean,
 *   pause?: () => void,
 *   resume?: () => void
 * }} Socket
 * @typedef {{ statusCode: number, headers: { location?: string, server?: string } }} Response
 */

/** @implements {Connection} */
export class WebSocketConnection {
  /** @type {string | null} */
  local_addr = null
  /** @type {string | null} */
  remote_addr = null
  #socket
  /** @type {import('node:net').Socket | null} the TCP connection below, where it is shown */
  #wire = null
  #incoming
  #outgoing = new Outgoing()
  /** Whether the platform says why something fails. */
  #tells
  /** Writes since the buffer was last seen empty. */
  #writes = 0
  #look = FIRST_LOOK_MS
  /** Whether it was given up and waits for the peer. */
  #lingers = false
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer
  /** @type {() => void} */
  #forget = () => {}
  /** @type {(error: Error) => void} settles `opened`; afterwards it does nothing */
  #notOpened = () => {}

  /** @param {Socket} socket connecting */
  constructor (socket) {
    this.#socket = socket
    this.#incoming = new Incoming(() => { if (this.#incoming.cost < READ_AHEAD) this.#resume() })
    this.#tells = typeof socket.on === 'function'
    socket.binaryType = 'arraybuffer'
    /** @type {Promise<void>} */
    this.opened = new Promise((resolve, reject) => {
      socket.onopen = () => resolve()
      this.#notOpened = reject
    })
    // One that was accepted has opened before, and nobody looks at this.
    quiet(this.opened)
    socket.onmessage = ({ data }) => this.#received(data)
    // Not left to the close event: some platforms send none after a dial that failed, others only after a time-out.
    socket.onerror = event => this.#over(this.#reason(event))
    socket.onclose = event => this.#closed(event)
    socket.on?.('ping', () => this.#pinged())
    socket.on?.('upgrade', ({ socket: wire }) => this.upgraded(wire))
    socket.on?.('unexpected-response', (_request, response) => {
      const { statusCode: status, headers: { location, server } } = response
      this.#over(new TransportError('http-status', `HTTP ${status} instead of an upgrade to WebSocket`, { status, location, server }))
      socket.terminate?.()
    })
  }

  get read () {
    return this.#incoming.iterator
  }

  /** @param {Uint8Array} bytes */
  write (bytes) {
    if (this.#outgoing.ended) return this.#outgoing.wait()
    // An empty message would be the end to readers that take messages for reads.
    if (bytes.byteLength === 0) return Promise.resolve()
    if (this.#wire !== null) gather(this.#wire)
    try {
      // A copy, which the `slice` of a Buffer is not: the memory of a WebAssembly program may move, and may be shared, which
      // sockets refuse.
      this.#socket.send(new Uint8Array(bytes))
      this.#writes += 1
    } catch (error) {
      this.#outgoing.fail(fromSystem(error, 'stream'))
    }
    if (!this.#outgoing.ended && this.#hasRoom()) return Promise.resolve()
    const promise = this.#outgoing.wait()
    this.#watch()
    return promise
  }

  shutdown () {
    if (this.#outgoing.ended) return
    this.#outgoing.fail(closedHere())
    this.#socket.close()
  }

  close () {
    this.shutdown()
    this.#over(closedHere())
    this.#linger()
  }

  /**
   * The driver's signal, for as long as the connection lives.
   *
   * @param {AbortSignal} signal
   */
  obey (signal) {
    const abort = () => {
      this.#over(interrupted(signal), true)
      this.#socket.close()
      this.#socket.terminate?.()
    }
    signal.addEventListener('abort', abort, { once: true })
    this.#forget = () => signal.removeEventListener('abort', abort)
  }

  /**
   * The TCP connection below, once it is known.
   *
   * @param {import('node:net').Socket} wire
   */
  upgraded (wire) {
    const { localAddress, localPort, remoteAddress, remotePort } = wire
    this.#wire = wire
    // Before the package answers an end by its own, after which nothing can be written.
    wire.prependListener('end', () => verifyEnd(wire, () => {}))
    if (localAddress !== undefined && localPort !== undefined) this.local_addr = tcpAddress(localAddress, localPort)
    if (remoteAddress !== undefined && remotePort !== undefined) this.remote_addr = tcpAddress(remoteAddress, remotePort)
  }

  /**
   * Where the platform can be told, the end comes even when the peer neither reads nor answers: in time, or at once when many such
   * are waited for already.
   */
  #linger () {
    const socket = this.#socket
    if (this.#lingers || socket.terminate === undefined || socket.readyState === socket.CLOSED) return
    if (lingering >= MOST_LINGERING) return socket.terminate()
    this.#lingers = true
    lingering += 1
    const timer = setTimeout(() => socket.terminate?.(), LINGER_MS)
    socket.onclose = () => {
      clearTimeout(timer)
      lingering -= 1
    }
  }

  #hasRoom () {
    const { bufferedAmount } = this.#socket
    if (bufferedAmount === 0) this.#writes = 0
    return bufferedAmount <= WRITE_AHEAD && this.#writes < WRITES_AHEAD
  }

  /** Looks again and again whether there is room, each time after twice the time, as long as somebody waits for it. */
  #watch () {
    if (this.#timer !== undefined || !this.#outgoing.waiting) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (!this.#hasRoom()) {
        this.#look = Math.min(this.#look * 2, LONGEST_LOOK_MS)
        return this.#watch()
      }
      this.#look = FIRST_LOOK_MS
      this.#outgoing.room()
    }, this.#look)
  }

  /** @param {unknown} data */
  #received (data) {
    if (!(data instanceof ArrayBuffer)) {
      const what = 'text instead of binary messages'
      return this.#break(new TransportError('websocket-failed', 'the peer sent text; libp2p sends binary frames alone', { what }))
    }
    this.#incoming.push(data, data.byteLength + MESSAGE_COST)
    if (this.#incoming.cost >= READ_AHEAD) this.#socket.pause?.()
    if (this.#incoming.cost <= UNREAD_LIMIT) return
    this.#break(new TransportError('overrun', `more than ${UNREAD_LIMIT} bytes arrived and were not read`), true)
  }

  #resume () {
    if (this.#socket.isPaused) this.#socket.resume?.()
  }

  /** The package answers by itself, and gives up a connection in which too many answers wait. */
  #pinged () {
    if (this.#socket.readyState === this.#socket.OPEN || this.#outgoing.ended) return
    this.#break(new TransportError('overrun', 'the peer sent more pings than it takes answers'), true)
  }

  /**
   * Ends a connection that cannot go on.
   *
   * @param {TransportError} error
   * @param {boolean} [drop] whether what has arrived is dropped
   */
  #break (error, drop) {
    this.#over(error, drop)
    this.#socket.close()
  }

  /** @param {CloseEvent} event */
  #closed ({ code: closeCode, reason: closeReason, wasClean }) {
    if (wasClean && GOODBYES.includes(closeCode)) {
      this.#incoming.end()
      return this.#over(new TransportError('closed', 'the peer has closed the connection', { closeCode, closeReason }))
    }
    const details = { closeCode, closeReason }
    if (closeCode !== NO_CLOSE_FRAME) {
      const words = closeReason === '' ? '' : `: ${closeReason}`
      return this.#over(new TransportError('closed', `the peer has closed the connection with code ${closeCode}${words}`, details))
    }
    if (!this.#tells) return this.#over(new TransportError('opaque', 'the connection ended, and the platform does not say why', details))
    const error = this.#wire?.errored
    this.#over(error ? fromSystem(error, 'stream') : new TransportError('closed', 'the connection ended without a Close frame', details))
  }

  /** What an error event says. @param {Event & { error?: Error & { code?: string }, message?: string }} event */
  #reason ({ error, message }) {
    if (!this.#tells || error === undefined) {
      return new TransportError('opaque', message || 'the platform hides why the WebSocket failed', { cause: error })
    }
    if (error.code?.startsWith('WS_ERR_') || error.code === undefined) {
      return new TransportError('websocket-failed', error.message, { system: error.code, what: error.message, cause: error })
    }
    return fromSystem(error, this.#socket.readyState === this.#socket.CONNECTING ? 'connect' : 'stream')
  }

  /**
   * Nothing more comes or goes.
   *
   * @param {TransportError} error
   * @param {boolean} [drop]
   */
  #over (error, drop = false) {
    this.#notOpened(error)
    if (drop) this.#incoming.drop(error)
    else this.#incoming.fail(error)
    this.#outgoing.fail(error)
    clearTimeout(this.#timer)
    this.#forget()
    const socket = this.#socket
    socket.onopen = socket.onmessage = socket.onclose = null
    // Kept: an error that nobody listens to would end a Node process.
    socket.onerror = () => {}
    // Read and thrown away, or the peer's Close frame behind it would never come.
    this.#resume()
  }
}
