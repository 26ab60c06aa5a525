/**
 * @typedef {object} Waiting a promise already handed out
 * @property {(bytes: ArrayBuffer | null) => void} resolve
 * @property {(error: Error) => void} reject
 */
/** @typedef {{ bytes: ArrayBuffer, cost: number }} Entry */
/** A queue of chunks and how it ends, read through an iterator of promises. */
export class Incoming {
    /** @param {() => void} [took] called after each chunk taken from the queue */
    constructor(took?: () => void);
    /** @type {IterableIterator<Promise<ArrayBuffer | null>, undefined>} */
    iterator: IterableIterator<Promise<ArrayBuffer | null>, undefined>;
    /** What the chunks that wait cost. */
    get cost(): number;
    /** Whether nothing more can arrive. */
    get ended(): boolean;
    /**
     * @param {ArrayBuffer} bytes
     * @param {number} [cost]
     */
    push(bytes: ArrayBuffer, cost?: number): void;
    /** The peer has ended its side in order. */
    end(): void;
    /**
     * It broke. What has arrived can still be read.
     *
     * @param {Error} error
     */
    fail(error: Error): void;
    /**
     * It is over, and what has arrived is dropped.
     *
     * @param {Error} error
     */
    drop(error: Error): void;
    #private;
}
/**
 * a promise already handed out
 */
export type Waiting = {
    resolve: (bytes: ArrayBuffer | null) => void;
    reject: (error: Error) => void;
};
export type Entry = {
    bytes: ArrayBuffer;
    cost: number;
};
