/** An output that is written piece by piece. */
export class Output {
    /**
     * Opens it before the run, so that a folder that does not exist costs no time.
     *
     * @param {string} [path] none for stdout
     */
    constructor(path?: string);
    /** @param {string} text */
    write(text: string): void;
    /** Gives a file its name. */
    finish(): void;
    /** What is not finished is removed. */
    abandon(): void;
    #private;
}
