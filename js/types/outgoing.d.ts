/** @typedef {{ resolve: () => void, reject: (error: Error) => void }} Waiting */
/** Room to write, and the reason when there will be none again. */
export class Outgoing {
    get waiting(): boolean;
    /** Whether nothing more can be written. */
    get ended(): boolean;
    /** A promise of room, or the rejection that there will be none. */
    wait(): Promise<void>;
    /** There is room. */
    room(): void;
    /**
     * Writing is over. The first reason stays.
     *
     * @param {Error} error
     */
    fail(error: Error): void;
    #private;
}
export type Waiting = {
    resolve: () => void;
    reject: (error: Error) => void;
};
