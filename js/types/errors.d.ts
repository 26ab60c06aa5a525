/**
 * Types an error of Node.
 *
 * @param {unknown} error
 * @param {'connect' | 'stream'} phase
 * @returns {TransportError}
 */
export function fromSystem(error: unknown, phase: "connect" | "stream"): TransportError;
/**
 * The error of a signal that was aborted.
 *
 * @param {AbortSignal} signal
 */
export function interrupted(signal: AbortSignal): TransportError;
/** The error of a call to a connection that this side has ended. */
export function closedHere(): TransportError;
/**
 * The same promise. Whoever drops it need not hear of its failure.
 *
 * @template Value
 * @param {Promise<Value>} promise
 */
export function quiet<Value>(promise: Promise<Value>): Promise<Value>;
/** An Error of a closed set. */
export class TransportError extends Error {
    /**
     * @param {Code} code
     * @param {string} message a sentence for a reader; nothing is decided by it
     * @param {Details} [details]
     */
    constructor(code: Code, message: string, { cause, ...details }?: Details);
    /** @type {Code} */
    code: Code;
    /** @type {string | undefined} */
    system: string | undefined;
    /** @type {number | undefined} */
    errno: number | undefined;
    /** @type {string | undefined} */
    rcode: string | undefined;
    /** @type {Uint8Array | undefined} */
    received: Uint8Array | undefined;
    /** @type {string | undefined} */
    server: string | undefined;
    /** @type {string | undefined} */
    what: string | undefined;
    /** @type {number | undefined} */
    status: number | undefined;
    /** @type {string[] | undefined} */
    names: string[] | undefined;
    /** @type {string | undefined} */
    location: string | undefined;
    /** @type {number | undefined} */
    closeCode: number | undefined;
    /** @type {string | undefined} */
    closeReason: string | undefined;
}
export type Code = "unsupported-address" | "not-in-this-runtime" | "mixed-content" | "name-not-found" | "name-lookup-failed" | "refused" | "unreachable" | "forbidden-locally" | "local-fault" | "timed-out" | "reset" | "closed" | "tls-failed" | "http-status" | "not-http" | "websocket-failed" | "overrun" | "interrupted" | "opaque";
export type Details = {
    /**
     * the system's or the library's own code: `ECONNREFUSED`
     */
    system?: string | undefined;
    /**
     * the system's error number, positive
     */
    errno?: number | undefined;
    /**
     * the DNS response code, where a server answered
     */
    rcode?: string | undefined;
    /**
     * what came instead of HTTP
     */
    received?: Uint8Array<ArrayBufferLike> | undefined;
    /**
     * the `Server` header of an HTTP answer
     */
    server?: string | undefined;
    /**
     * what is unreachable, or the rule that was broken
     */
    what?: string | undefined;
    /**
     * an HTTP status
     */
    status?: number | undefined;
    /**
     * the names that a certificate is for, where not for the one dialed
     */
    names?: string[] | undefined;
    /**
     * where an HTTP redirect leads
     */
    location?: string | undefined;
    /**
     * the close code of a WebSocket
     */
    closeCode?: number | undefined;
    /**
     * the peer's words with it
     */
    closeReason?: string | undefined;
    /**
     * the error below
     */
    cause?: unknown;
};
/**
 * An error of Node, with what its layers add.
 */
export type SystemError = NodeJS.ErrnoException & {
    rawPacket?: Uint8Array;
    cert?: {
        subject?: {
            CN?: string;
        };
        subjectaltname?: string;
    };
};
