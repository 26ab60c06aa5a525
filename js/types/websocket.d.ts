/**
 * Dials `/ip4|ip6|dns|dns4|dns6/…/tcp/…` with `/ws`, `/wss`, `/tls/ws` or `/tls/sni/…/ws`; listens, in Node and with the package
 * `ws`, on IP addresses with `/ws`.
 *
 * @param {WebSocketOptions} [options]
 * @returns {import('./contract.js').Transport}
 */
export function websocketTransport(options?: WebSocketOptions): import("./contract.js").Transport;
export type Connection = import("./contract.js").Connection;
export type SocketClass = new (url: string, at?: {
    address: string;
    family: number;
}) => import("./websocket-connection.js").Socket;
export type OwnOptions = {
    /**
     * another implementation than the one found
     */
    WebSocket?: SocketClass | undefined;
};
export type WebSocketOptions = OwnOptions & import("./listener.js").ListenOptions;
