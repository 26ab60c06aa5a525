/**
 * @param {string} address
 * @returns {Route}
 * @throws {TransportError} `unsupported-address`
 */
export function parse(address: string): Route;
/**
 * The route, if it is one over this transport.
 *
 * @param {string} address
 * @param {Route['transport']} transport
 */
export function parseFor(address: string, transport: Route["transport"]): Route;
/**
 * The URL of a WebSocket address. A page cannot ask one IP address for another's name, so where the address has an `/sni`
 * the name is dialed, and DNS decides where it leads, unless the platform can be told (websocket.js). A zone has no place in it
 * (WHATWG URL, section 3.5).
 *
 * @param {Route} route
 * @param {string} [name] that the address stands for
 */
export function url({ host, literal, family, port, secure, sni, path }: Route, name?: string): string;
/**
 * A TCP end as a multiaddr.
 *
 * @param {string} ip as Node writes it, an IPv6 address perhaps with its zone
 * @param {number} port
 */
export function tcpAddress(ip: string, port: number): string;
/**
 * What an address asks for.
 */
export type Route = {
    transport: "tcp" | "websocket";
    /**
     * a name or an IP address, an IPv6 one with its zone (`fe80::1%eth0`)
     */
    host: string;
    /**
     * whether it is an IP address
     */
    literal: boolean;
    /**
     * of its addresses; 0: either
     */
    family: 0 | 4 | 6;
    port: number;
    /**
     * WebSocket over TLS
     */
    secure: boolean;
    /**
     * the name to ask for in TLS where it is not the host
     */
    sni: string | null;
    /**
     * of the WebSocket's URL
     */
    path: string;
};
