/**
 * One transport over all that this runtime has: each address goes to the transport it belongs to.
 *
 * @module
 */

import { parse } from './address.js'
import { tcpTransport } from './tcp.js'
import { websocketTransport } from './websocket.js'

export { TransportError } from './errors.js'
export { tcpTransport, websocketTransport }

/**
 * @typedef {import('./contract.js').Transport} Transport
 * @typedef {import('./contract.js').Connection} Connection
 * @typedef {import('./contract.js').ListenEvent} ListenEvent
 * @typedef {import('./contract.js').ConnectionEvent} ConnectionEvent
 * @typedef {import('./errors.js').Code} Code
 */

/**
 * @param {object} [options]
 * @param {Transport} [options.tcp]
 * @param {Transport} [options.websocket]
 * @returns {Transport}
 */
export function createTransport ({ tcp = tcpTransport(), websocket = websocketTransport() } = {}) {
  const transports = { tcp, websocket }
  /** @param {string} address */
  const of = address => transports[parse(address).transport]
  return {
    dial: (address, role, signal, name) => of(address).dial(address, role, signal, name),
    listen_on: address => of(address).listen_on(address)
  }
}
