/**
 * @param {typeof import('node:http')} http
 * @param {any} acceptor a WebSocketServer of `ws` without a server of its own
 * @param {number} handshakeMs how long a client may take
 * @returns {import('./listener.js').Accept}
 */
export function upgrades(http: typeof import("node:http"), acceptor: any, handshakeMs: number): import("./listener.js").Accept;
export type Socket = import("node:net").Socket;
export type Request = import("node:http").IncomingMessage;
