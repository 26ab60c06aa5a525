/**
 * WebSockets as connections of the contract (contract.js), in browsers and in Node.
 *
 * In Node the package `ws` is used where it is installed: it says why a dial failed, which the WebSocket of the platform hides
 * there as it does in browsers, and Node has none of its own before version 22.
 *
 * @module
 */

import { parseFor, url } from './address.js'
import { HANDSHAKE_MS, UNREAD_LIMIT } from './contract.js'
import { TransportError, interrupted, quiet } from './errors.js'
import { listen } from './listener.js'
import { builtin, optional } from './platform.js'
import { upgrades } from './upgrade.js'
import { WebSocketConnection } from './websocket-connection.js'

/**
 * @typedef {import('./contract.js').Connection} Connection
 * @typedef {new (url: string, at?: { address: string, family: number }) => import('./websocket-connection.js').Socket} SocketClass
 */

/**
 * @typedef {object} OwnOptions
 * @property {SocketClass} [WebSocket] another implementation than the one found
 * @typedef {OwnOptions & import('./listener.js').ListenOptions} WebSocketOptions
 */

/** Answers to pings that a peer may leave in the way: far more than who reads them ever has. */
const PONGS_AHEAD = 60

/** What the package `ws` can be told of limits. */
const LIMITS = { maxPayload: UNREAD_LIMIT, maxPendingAutoPongs: PONGS_AHEAD, perMessageDeflate: false }

/**
 * Dials `/ip4|ip6|dns|dns4|dns6/…/tcp/…` with `/ws`, `/wss`, `/tls/ws` or `/tls/sni/…/ws`; listens, in Node and with the package
 * `ws`, on IP addresses with `/ws`.
 *
 * @param {WebSocketOptions} [options]
 * @returns {import('./contract.js').Transport}
 */
export function websocketTransport (options = {}) {
  return {
    dial (address, _role, signal, name) {
      const route = parseFor(address, 'websocket')
      const target = url(route, name)
      const WebSocket = options.WebSocket ?? implementation()
      const onLink = route.host.includes('%') && target === url(route)
      if (onLink && WebSocket === globalThis.WebSocket) {
        const sentence = 'The WebSocket of this platform dials no address of one network segment; in Node the npm package ws does'
        throw new TransportError('not-in-this-runtime', sentence)
      }
      if (signal?.aborted) return quiet(Promise.reject(interrupted(signal)))
      const at = route.literal ? { address: route.host, family: route.family } : undefined
      return open(new WebSocketConnection(create(WebSocket, target, at)), signal)
    },
    listen_on (address) {
      const route = parseFor(address, 'websocket')
      const [net, http, ws] = [builtin('node:net'), builtin('node:http'), optional('ws')]
      if (net === null || http === null || ws === null) {
        const sentence = 'Nothing here listens for WebSockets: a page cannot, and Node needs the npm package ws for it'
        throw new TransportError('not-in-this-runtime', sentence)
      }
      if (!route.literal || route.secure) {
        throw new TransportError('unsupported-address', `${address} cannot be listened on: name an IP address, and /ws`)
      }
      const acceptor = new ws.WebSocketServer({ noServer: true, ...LIMITS })
      return listen(net, route, upgrades(http, acceptor, options.handshakeMs ?? HANDSHAKE_MS), options)
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
    /**
     * @param {string} url
     * @param {{ address: string, family: number }} [at] where its host is: the address is known, and the URL has its name
     */
    constructor (url, at) {
      super(url, at === undefined ? LIMITS : { ...LIMITS, ...towards(new URL(url), at) })
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
 * What tells the package `ws` where a host is.
 *
 * @param {URL} url
 * @param {{ address: string, family: number }} at
 */
function towards ({ protocol, hostname }, at) {
  // An address is not looked up: its zone, which a URL has no place for, is added at the last moment.
  return hostname.startsWith('[') && at.address.includes('%')
    ? { createConnection: onLink(at.address, protocol === 'wss:') }
    : { lookup: pinned(at) }
}

/**
 * Connects to an address on a link.
 *
 * @param {string} address with its zone
 * @param {boolean} secure
 */
function onLink (address, secure) {
  const [ip = ''] = address.split('%')
  /** @param {Record<string, any>} options */
  return options => {
    const towards = { ...options, host: address, path: undefined, servername: '' }
    if (!secure) return builtin('node:net')?.connect(/** @type {any} */ (towards))
    const tls = builtin('node:tls')
    /** @param {string} _host @param {import('node:tls').PeerCertificate} certificate */
    const checkServerIdentity = (_host, certificate) => tls?.checkServerIdentity(ip, certificate)
    return tls?.connect(/** @type {any} */ ({ ...towards, checkServerIdentity }))
  }
}

/**
 * Stands in for Node's `dns.lookup`.
 *
 * @param {{ address: string, family: number }} at
 */
function pinned (at) {
  /**
   * @param {string} _name
   * @param {{ all?: boolean }} options
   * @param {(...answer: any[]) => void} answer
   */
  return (_name, { all }, answer) => { if (all === true) answer(null, [at]); else answer(null, at.address, at.family) }
}

/**
 * @param {SocketClass} WebSocket
 * @param {string} target
 * @param {{ address: string, family: number }} [at]
 */
function create (WebSocket, target, at) {
  try {
    return new WebSocket(target, ...(WebSocket === globalThis.WebSocket ? [] : [at]))
  } catch (cause) {
    // Constructors refuse before anything is sent: a page's rules, or a URL that this platform does not take.
    const { name, message } = /** @type {Error} */ (cause)
    if (name === 'SyntaxError') throw new TransportError('unsupported-address', message, { cause })
    const mixed = name === 'SecurityError' && target.startsWith('ws:') && globalThis.location?.protocol === 'https:'
    throw new TransportError(mixed ? 'mixed-content' : 'opaque', message, { cause })
  }
}
