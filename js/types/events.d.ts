/**
 * @typedef {import('./contract.js').ConnectionEvent} ConnectionEvent
 * @typedef {import('./contract.js').ListenEvent} ListenEvent
 * @typedef {import('./contract.js').FailedConnection} FailedConnection
 * @typedef {{ new_addrs?: string[], expired_addrs?: string[], new_connections?: ConnectionEvent[],
 *   failed_connections?: FailedConnection[] }} Happening
 */
/** Events in the order they happen, each promised before or after it does. */
export class Events {
    /** @param {() => void} stop */
    constructor(stop: () => void);
    /** @type {IterableIterator<Promise<ListenEvent>, undefined>} */
    iterator: IterableIterator<Promise<ListenEvent>, undefined>;
    /** How many events nobody has taken. */
    get waiting(): number;
    /** @param {Happening} event */
    push(event: Happening): void;
    /**
     * The last event. Those nobody took are forgotten, and their connections closed.
     *
     * @param {Happening} last
     */
    end(last: Happening): void;
    /** @param {Error} error */
    fail(error: Error): void;
    #private;
}
export type ConnectionEvent = import("./contract.js").ConnectionEvent;
export type ListenEvent = import("./contract.js").ListenEvent;
export type FailedConnection = import("./contract.js").FailedConnection;
export type Happening = {
    new_addrs?: string[];
    expired_addrs?: string[];
    new_connections?: ConnectionEvent[];
    failed_connections?: FailedConnection[];
};
