/**
 * @param {typeof import('node:http')} http
 * @param {any} acceptor a WebSocketServer of `ws` without a server of its own
 * @returns {(socket: Socket, ready: Ready) => void} called once for each socket
 */
export function upgrades(http: typeof import("node:http"), acceptor: any): (socket: Socket, ready: Ready) => void;
export type Connection = import("./contract.js").Connection;
export type Socket = import("node:net").Socket;
export type Request = import("node:http").IncomingMessage;
export type Ready = (made: Connection | Error) => void;
