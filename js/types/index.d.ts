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
export function createTransport({ tcp, websocket }?: {
    tcp?: import("./contract.js").Transport | undefined;
    websocket?: import("./contract.js").Transport | undefined;
}): Transport;
export { TransportError } from "./errors.js";
export type Transport = import("./contract.js").Transport;
export type Connection = import("./contract.js").Connection;
export type ListenEvent = import("./contract.js").ListenEvent;
export type ConnectionEvent = import("./contract.js").ConnectionEvent;
export type Code = import("./errors.js").Code;
import { tcpTransport } from './tcp.js';
import { websocketTransport } from './websocket.js';
export { tcpTransport, websocketTransport };
