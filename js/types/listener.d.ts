/**
 * @param {typeof import('node:net')} net
 * @param {import('./address.js').Route} route
 * @param {(socket: Socket, ready: (made: Connection | Error) => void) => void} accept makes a connection of a socket, at once or
 *   later, or says why nothing comes of it
 * @param {ListenOptions} options
 */
export function listen(net: typeof import("node:net"), { host, port, family, transport }: import("./address.js").Route, accept: (socket: Socket, ready: (made: Connection | Error) => void) => void, options: ListenOptions): IterableIterator<Promise<import("./contract.js").ListenEvent>, undefined>;
export type Connection = import("./contract.js").Connection;
export type ConnectionEvent = import("./contract.js").ConnectionEvent;
export type Happening = import("./events.js").Happening;
export type Socket = import("node:net").Socket;
export type ListenOptions = {
    /**
     * the addresses of this machine, where not those of its interfaces
     */
    interfaces?: (() => string[]) | undefined;
    /**
     * how often they are looked at
     */
    interfacesMs?: number | undefined;
};
