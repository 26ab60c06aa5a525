/**
 * Clients of a listener that have not become a connection yet. They are strangers: each has a bounded time, and there are only so
 * many of them, and from one place.
 *
 * @module
 */

import { BACKLOG, HANDSHAKES_PER_SOURCE } from './contract.js'
import { TransportError } from './errors.js'

/**
 * @typedef {import('node:net').Socket} Socket
 * @typedef {import('./contract.js').Connection} Connection
 * @typedef {(made: Connection | Error) => void} Ready
 * @typedef {{ ready: Ready, timer: ReturnType<typeof setTimeout>, source: string }} Handshake
 */

/** The handshakes that go on. */
export class Handshakes {
  /** @type {Map<Socket, Handshake>} */
  #waiting = new Map()
  /** @type {Map<string, number>} how many from each source; no entry is zero */
  #sources = new Map()
  #ms
  #late

  /**
   * @param {number} ms how long a client may take
   * @param {(socket: Socket) => void} late answers one that has taken longer, once that is told
   */
  constructor (ms, late) {
    this.#ms = ms
    this.#late = late
  }

  /**
   * Begins one.
   *
   * @param {Socket} socket
   * @param {Ready} ready is called once, with what became of it
   * @returns {boolean} false where it is one too many
   */
  begin (socket, ready) {
    const source = sourceOf(socket.remoteAddress)
    const fromThere = this.#sources.get(source) ?? 0
    if (this.#waiting.size >= BACKLOG || fromThere >= HANDSHAKES_PER_SOURCE) return false
    this.#sources.set(source, fromThere + 1)
    const late = () => {
      this.settle(socket, new TransportError('timed-out', 'no whole request came in time'))
      this.#late(socket)
    }
    this.#waiting.set(socket, { ready, source, timer: setTimeout(late, this.#ms) })
    // Who hangs up before there is a request.
    socket.once('close', () => this.settle(socket, new TransportError('closed', 'the connection ended before it asked for anything')))
    return true
  }

  /**
   * Ends one, unless it has ended.
   *
   * @param {Socket} socket
   * @param {Connection | Error} made
   */
  settle (socket, made) {
    const handshake = this.#waiting.get(socket)
    if (handshake === undefined) return
    this.#waiting.delete(socket)
    clearTimeout(handshake.timer)
    const left = (this.#sources.get(handshake.source) ?? 0) - 1
    if (left > 0) this.#sources.set(handshake.source, left)
    else this.#sources.delete(handshake.source)
    handshake.ready(made)
  }

  /** Nobody waits for any of them any more. */
  end () {
    for (const [socket, { timer }] of this.#waiting) {
      clearTimeout(timer)
      socket.destroy()
    }
    this.#waiting.clear()
    this.#sources.clear()
  }
}

/**
 * What counts as one source: an IPv4 address, also when written as IPv6, or an IPv6 /64.
 *
 * @param {string} [address] as Node writes them
 */
export function sourceOf (address = '') {
  const [ip = ''] = address.split('%')
  if (!ip.includes(':')) return ip
  if (/^::ffff:[\d.]+$/i.test(ip)) return ip.slice('::ffff:'.length)
  const [head = [], tail] = ip.split('::').map(groups)
  const zeros = tail === undefined ? 0 : 8 - head.length - tail.length
  return [...head, ...Array(zeros).fill('0'), ...tail ?? []].slice(0, 4).join(':') + '::/64'
}

/** The groups of a part of an IPv6 address, an IPv4 one at its end being two. @param {string} part */
function groups (part) {
  return part === '' ? [] : part.split(':').flatMap(group => group.includes('.') ? ['0', '0'] : [group])
}
