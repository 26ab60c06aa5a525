/**
 * A WebSocket, and what the package `ws` has beyond the platform's.
 *
 * @typedef {WebSocket & {
 *   on?: {
 *     (event: 'upgrade', listener: (response: { socket: import('node:net').Socket }) => void): void,
 *     (event: 'unexpected-response', listener: (request: unknown, response: Response) => void): void
 *   },
 *   terminate?: () => void
 * }} Socket
 * @typedef {{ statusCode: number, headers: { location?: string } }} Response
 * @typedef {new (url: string) => Socket} SocketClass
 */
/** @typedef {import('./contract.js').Connection} Connection */
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
export function websocketTransport(options?: WebSocketOptions): import("./contract.js").Transport;
/**
 * A WebSocket, and what the package `ws` has beyond the platform's.
 */
export type Socket = WebSocket & {
    on?: {
        (event: "upgrade", listener: (response: {
            socket: import("node:net").Socket;
        }) => void): void;
        (event: "unexpected-response", listener: (request: unknown, response: Response) => void): void;
    };
    terminate?: () => void;
};
/**
 * A WebSocket, and what the package `ws` has beyond the platform's.
 */
export type Response = {
    statusCode: number;
    headers: {
        location?: string;
    };
};
/**
 * A WebSocket, and what the package `ws` has beyond the platform's.
 */
export type SocketClass = new (url: string) => Socket;
export type Connection = import("./contract.js").Connection;
export type WebSocketOptions = {
    /**
     * another implementation than the one found
     */
    WebSocket?: SocketClass | undefined;
};
