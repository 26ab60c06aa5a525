/**
 * The server's half of a WebSocket's handshake, by Node's HTTP server and the package `ws`: each socket becomes a connection, or an
 * error that says what it asked for instead. Whoever speaks HTTP gets an answer.
 *
 * @module
 */

import { BACKLOG } from './contract.js'
import { TransportError, fromSystem } from './errors.js'
import { WebSocketConnection } from './websocket-connection.js'

/**
 * @typedef {import('./contract.js').Connection} Connection
 * @typedef {import('node:net').Socket} Socket
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {(made: Connection | Error) => void} Ready
 */

/** The longest request that an error quotes, in characters: its method and target. */
const QUOTED = 128

/** The begin of a request: a method of capital letters, as RFC 9110 registers them, and a target. */
const REQUEST = /^[A-Z-]{1,17}( ([!-~]|$)|$)/

/** How a request that cannot be read is answered, by the code that Node has for it. @type {Record<string, string>} */
const ANSWERS = { HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large' }

/**
 * @param {typeof import('node:http')} http
 * @param {any} acceptor a WebSocketServer of `ws` without a server of its own
 * @param {number} handshakeMs how long a client may take
 * @returns {import('./listener.js').Accept}
 */
export function upgrades (http, acceptor, handshakeMs) {
  // Without a port of its own, and so without the times of Node for a request: it minds those of a server that listens alone.
  const server = http.createServer()
  /** @type {Map<Socket, { ready: Ready, timer: ReturnType<typeof setTimeout> }>} the handshakes that go on */
  const waiting = new Map()
  /**
   * @param {Socket} socket
   * @param {Connection | Error} made
   */
  const settle = (socket, made) => {
    const handshake = waiting.get(socket)
    if (handshake === undefined) return
    waiting.delete(socket)
    clearTimeout(handshake.timer)
    handshake.ready(made)
  }
  /** @param {Socket} socket */
  const late = socket => {
    settle(socket, new TransportError('timed-out', 'no whole request came in time'))
    answer(socket, '408 Request Timeout')
  }
  server.on('request', (request, response) => {
    const status = request.method === 'GET' ? 426 : 405
    response.writeHead(status, status === 426 ? { Upgrade: 'websocket', Connection: 'close' } : { Allow: 'GET', Connection: 'close' }).end()
    settle(request.socket, elsewhere(request, status))
  })
  server.on('connect', (request, socket) => {
    settle(/** @type {Socket} */ (socket), elsewhere(request, 405))
    answer(/** @type {Socket} */ (socket), '405 Method Not Allowed')
  })
  server.on('clientError', (error, socket) => {
    settle(/** @type {Socket} */ (socket), unreadable(error))
    answer(/** @type {Socket} */ (socket), ANSWERS[/** @type {any} */ (error).code] ?? '400 Bad Request')
  })
  server.on('upgrade', (request, socket, head) => {
    acceptor.handleUpgrade(request, socket, head, /** @param {any} upgraded */ upgraded => {
      const connection = new WebSocketConnection(upgraded)
      connection.upgraded(/** @type {Socket} */ (socket))
      settle(/** @type {Socket} */ (socket), connection)
    })
  })
  acceptor.on('wsClientError', /** @param {Error} error @param {Socket} socket @param {Request} request */ (error, socket, request) => {
    settle(socket, refused(error, request))
    answer(socket, request.method === 'GET' ? '400 Bad Request' : '405 Method Not Allowed')
  })
  return {
    begin (socket, ready) {
      if (waiting.size >= BACKLOG) return void socket.destroy()
      waiting.set(socket, { ready, timer: setTimeout(late, handshakeMs, socket) })
      // Who hangs up before there is a request.
      socket.once('close', () => settle(socket, new TransportError('closed', 'the connection ended before it asked for anything')))
      server.emit('connection', socket)
    },
    end () {
      for (const [socket, { timer }] of waiting) {
        clearTimeout(timer)
        socket.destroy()
      }
      waiting.clear()
    }
  }
}

/**
 * Another request than one for a WebSocket.
 *
 * @param {Request} request
 * @param {number} status
 */
function elsewhere ({ method = '', url = '' }, status) {
  return new TransportError('http-status', `${`${method} ${url}`.slice(0, QUOTED)} is no WebSocket upgrade`, { status })
}

/**
 * One for a WebSocket that breaks the rules.
 *
 * @param {Error} error
 * @param {Request} request
 */
function refused (error, request) {
  if (request.method !== 'GET') return elsewhere(request, 405)
  return new TransportError('websocket-failed', `WebSocket handshake: ${error.message}`, { what: error.message, cause: error })
}

/**
 * What could not be read as a request.
 *
 * @param {Error & { code?: string, rawPacket?: Uint8Array }} error
 */
function unreadable (error) {
  const { code = '', rawPacket: received, message } = error
  if (code === 'HPE_INVALID_EOF_STATE') return new TransportError('closed', 'the connection ended in the middle of a request', { cause: error })
  if (!code.startsWith('HPE_')) return fromSystem(error, 'stream')
  const begin = String.fromCharCode(...(received ?? []).slice(0, QUOTED))
  if (!REQUEST.test(begin.split('\r\n', 1)[0] ?? '')) return new TransportError('not-http', message, { received, cause: error })
  return new TransportError('websocket-failed', `WebSocket handshake: ${message}`, { what: message, cause: error })
}

/**
 * Says so, and lets the connection go.
 *
 * @param {Socket} socket
 * @param {string} status
 */
function answer (socket, status) {
  if (!socket.writable) return socket.destroy()
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
