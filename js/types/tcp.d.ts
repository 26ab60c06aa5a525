/**
 * Dials and listens on `/ip4|ip6|dns|dns4|dns6/…/tcp/…` (listening on IP addresses alone).
 *
 * @param {import('./listener.js').ListenOptions} [options]
 * @returns {import('./contract.js').Transport}
 */
export function tcpTransport(options?: import("./listener.js").ListenOptions): import("./contract.js").Transport;
export type Socket = import("node:net").Socket;
export type Connection = import("./contract.js").Connection;
