/**
 * @param {typeof import('node:net')} net
 * @param {import('./address.js').Route} route
 * @param {Accept} accept
 * @param {ListenOptions} options
 */
export function listen(net: typeof import("node:net"), { host, port, family, transport }: import("./address.js").Route, accept: Accept, options: ListenOptions): IterableIterator<Promise<import("./contract.js").ListenEvent>, undefined>;
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
    /**
     * how long a client may take to ask for a WebSocket
     */
    handshakeMs?: number | undefined;
};
/**
 * How sockets become connections.
 */
export type Accept = {
    /**
     * makes a connection of a socket, at once or
     * later, or says why nothing comes of it; a socket that is one too many it destroys without a word
     */
    begin: (socket: Socket, ready: (made: Connection | Error) => void) => void;
    /**
     * nobody listens any more: those that have not become a connection are destroyed
     */
    end: () => void;
};
