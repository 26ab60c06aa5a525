/**
 * A WebSocket, and what the package `ws` has beyond the platform's.
 *
 * @typedef {WebSocket & {
 *   on?: {
 *     (event: 'ping', listener: () => void): void,
 *     (event: 'upgrade', listener: (response: { socket: import('node:net').Socket }) => void): void,
 *     (event: 'unexpected-response', listener: (request: unknown, response: Response) => void): void
 *   },
 *   terminate?: () => void,
 *   isPaused?: boolean,
 *   pause?: () => void,
 *   resume?: () => void
 * }} Socket
 * @typedef {{ statusCode: number, headers: { location?: string, server?: string } }} Response
 */
/** @implements {Connection} */
export class WebSocketConnection implements Connection {
    /** @param {Socket} socket connecting */
    constructor(socket: Socket);
    /** @type {string | null} */
    local_addr: string | null;
    /** @type {string | null} */
    remote_addr: string | null;
    /** @type {Promise<void>} */
    opened: Promise<void>;
    get read(): IterableIterator<Promise<ArrayBuffer | null>, undefined>;
    /** @param {Uint8Array} bytes */
    write(bytes: Uint8Array): Promise<void>;
    shutdown(): void;
    close(): void;
    /**
     * The driver's signal, for as long as the connection lives.
     *
     * @param {AbortSignal} signal
     */
    obey(signal: AbortSignal): void;
    /**
     * The TCP connection below, once it is known.
     *
     * @param {import('node:net').Socket} wire
     */
    upgraded(wire: import("node:net").Socket): void;
    #private;
}
export type Connection = import("./contract.js").Connection;
/**
 * A WebSocket, and what the package `ws` has beyond the platform's.
 */
export type Socket = WebSocket & {
    on?: {
        (event: "ping", listener: () => void): void;
        (event: "upgrade", listener: (response: {
            socket: import("node:net").Socket;
        }) => void): void;
        (event: "unexpected-response", listener: (request: unknown, response: Response) => void): void;
    };
    terminate?: () => void;
    isPaused?: boolean;
    pause?: () => void;
    resume?: () => void;
};
/**
 * A WebSocket, and what the package `ws` has beyond the platform's.
 */
export type Response = {
    statusCode: number;
    headers: {
        location?: string;
        server?: string;
    };
};
