/**
 * What counts as one source: an IPv4 address, also when written as IPv6, or an IPv6 /64.
 *
 * @param {string} [address] as Node writes them
 */
export function sourceOf(address?: string): string;
/**
 * @typedef {import('node:net').Socket} Socket
 * @typedef {import('./contract.js').Connection} Connection
 * @typedef {(made: Connection | Error) => void} Ready
 * @typedef {{ ready: Ready, timer: ReturnType<typeof setTimeout>, source: string }} Handshake
 */
/** The handshakes that go on. */
export class Handshakes {
    /**
     * @param {number} ms how long a client may take
     * @param {(socket: Socket) => void} late answers one that has taken longer, once that is told
     */
    constructor(ms: number, late: (socket: Socket) => void);
    /**
     * Begins one.
     *
     * @param {Socket} socket
     * @param {Ready} ready is called once, with what became of it
     * @returns {boolean} false where it is one too many
     */
    begin(socket: Socket, ready: Ready): boolean;
    /**
     * Ends one, unless it has ended.
     *
     * @param {Socket} socket
     * @param {Connection | Error} made
     */
    settle(socket: Socket, made: Connection | Error): void;
    /** Nobody waits for any of them any more. */
    end(): void;
    #private;
}
export type Socket = import("node:net").Socket;
export type Connection = import("./contract.js").Connection;
export type Ready = (made: Connection | Error) => void;
export type Handshake = {
    ready: Ready;
    timer: ReturnType<typeof setTimeout>;
    source: string;
};
