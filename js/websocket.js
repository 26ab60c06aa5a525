/**
 * WebSockets as connections of the contract (contract.js), in browsers and in Node.
 *
 * In Node the package `ws` is used where it is installed: it says why a dial failed, which the WebSocket of the platform hides
 * there as it does in browsers, and Node has none of its own before version 22.
 *
 * @module
 */

import { parseFor, url } from './address.js'
import { UNREAD_LIMIT } from './contract.js'
import { TransportError, interrupted, quiet } from './errors.js'
import { optional } from './platform.js'
import { WebSocketConnection } from './websocket-connection.js'

/**
 * @typedef {import('./contract.js').Connection} Connection
 * @typedef {new (url: string) => import('./websocket-connection.js').Socket} SocketClass
 */

/**
 * @typedef {object} WebSocketOptions
 * @property {SocketClass} [WebSocket] another implementation than the one found
 */

/**
 * Dials `/ip4|ip6|dns|dns4|dns6/…/tcp/…` with `/ws`, `/wss`, `/tls/ws` or `/tls/sni/…/ws`.
 *
 * @param {WebSocketOptions} [options]
 * @returns {import('./contract.js').Transport}
 */
export function websocketTransport (options = {}) {
  return {
    dial (address, _role, signal) {
      const target = url(parseFor(address, 'websocket'))
      const WebSocket = options.WebSocket ?? implementation()
      if (signal?.aborted) return quiet(Promise.reject(interrupted(signal)))
      return open(new WebSocketConnection(create(WebSocket, target)), signal)
    },
    listen_on (address) {
      parseFor(address, 'websocket')
      const sentence = 'Nothing here listens for WebSockets: a page cannot, and in Node listen over TCP and upgrade there'
      throw new TransportError('not-in-this-runtime', sentence)
    }
  }
}

/**
 * @returns {SocketClass}
 */
function implementation () {
  const found = packaged() ?? globalThis.WebSocket
  if (found === undefined) {
    throw new TransportError('not-in-this-runtime', 'This runtime has no WebSocket: install the npm package ws, or use Node 22')
  }
  return found
}

/**
 * The package `ws`, with the limits that it can be told.
 *
 * @returns {any} a SocketClass; undefined where it is not installed
 */
function packaged () {
  const ws = optional('ws')
  if (ws === null) return undefined
  return class extends ws {
    /** @param {string} url */
    constructor (url) {
      super(url, { maxPayload: UNREAD_LIMIT, perMessageDeflate: false })
    }
  }
}

/**
 * @param {WebSocketConnection} connection
 * @param {AbortSignal} [signal]
 * @returns {Promise<Connection>}
 */
function open (connection, signal) {
  if (signal !== undefined) connection.obey(signal)
  return quiet(connection.opened.then(() => connection))
}

/**
 * @param {SocketClass} WebSocket
 * @param {string} target
 */
function create (WebSocket, target) {
  try {
    return new WebSocket(target)
  } catch (cause) {
    // Constructors refuse before anything is sent: a page's rules, or a URL that this platform does not take.
    const { name, message } = /** @type {Error} */ (cause)
    if (name === 'SyntaxError') throw new TransportError('unsupported-address', message, { cause })
    const mixed = name === 'SecurityError' && target.startsWith('ws:') && globalThis.location?.protocol === 'https:'
    throw new TransportError(mixed ? 'mixed-content' : 'opaque', message, { cause })
  }
}
