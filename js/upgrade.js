/**
 * The server's half of a WebSocket's handshake, by Node's HTTP server and the package `ws`: each socket becomes a connection, or an
 * error that says what it asked for instead. Whoever speaks HTTP gets an answer.
 *
 * @module
 */

import { TransportError, fromSystem } from './errors.js'
import { Handshakes } from './handshakes.js'
import { WebSocketConnection } from './websocket-connection.js'

/**
 * @typedef {import('node:net').Socket} Socket
 * @typedef {import('node:http').IncomingMessage} Request
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
  const handshakes = new Handshakes(handshakeMs, socket => answer(socket, '408 Request Timeout'))
  refuse(server, handshakes)
  upgrade(server, acceptor, handshakes)
  return {
    begin (socket, ready) {
      if (handshakes.begin(socket, ready)) server.emit('connection', socket)
      else socket.destroy()
    },
    end: () => handshakes.end()
  }
}

/**
 * Answers what is no upgrade.
 *
 * @param {import('node:http').Server} server
 * @param {Handshakes} handshakes
 */
function refuse (server, handshakes) {
  server.on('request', (request, response) => {
    const status = request.method === 'GET' ? 426 : 405
    response.writeHead(status, status === 426 ? { Upgrade: 'websocket', Connection: 'close' } : { Allow: 'GET', Connection: 'close' }).end()
    handshakes.settle(request.socket, elsewhere(request, status))
  })
  server.on('connect', (request, stream) => {
    const socket = /** @type {Socket} */ (stream)
    handshakes.settle(socket, elsewhere(request, 405))
    answer(socket, '405 Method Not Allowed')
  })
  server.on('clientError', (error, stream) => {
    const socket = /** @type {Socket} */ (stream)
    handshakes.settle(socket, unreadable(error))
    answer(socket, ANSWERS[/** @type {any} */ (error).code] ?? '400 Bad Request')
  })
}

/**
 * Makes connections of upgrades.
 *
 * @param {import('node:http').Server} server
 * @param {any} acceptor
 * @param {Handshakes} handshakes
 */
function upgrade (server, acceptor, handshakes) {
  server.on('upgrade', (request, stream, head) => {
    const socket = /** @type {Socket} */ (stream)
    acceptor.handleUpgrade(request, socket, head, /** @param {any} upgraded */ upgraded => {
      const connection = new WebSocketConnection(upgraded)
      connection.upgraded(socket)
      handshakes.settle(socket, connection)
    })
  })
  acceptor.on('wsClientError', /** @param {Error} error @param {Socket} socket @param {Request} request */ (error, socket, request) => {
    handshakes.settle(socket, refused(error, request))
    answer(socket, request.method === 'GET' ? '400 Bad Request' : '405 Method Not Allowed')
  })
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
