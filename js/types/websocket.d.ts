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
export function websocketTransport(options?: WebSocketOptions): import("./contract.js").Transport;
export type Connection = import("./contract.js").Connection;
export type SocketClass = new (url: string) => import("./websocket-connection.js").Socket;
export type WebSocketOptions = {
    /**
     * another implementation than the one found
     */
    WebSocket?: SocketClass | undefined;
};
