/** Loads the program; once, however often it is called. */
export function load(): Promise<void>;
/**
 * Probes a peer, named by a multiaddr.
 *
 * @param {string} target
 * @param {Options} [options]
 * @param {(line: string) => void} [onEvent] gets each event as it happens, a line of NDJSON
 * @returns {Promise<Report>}
 */
export function probe(target: string, options?: Options, onEvent?: (line: string) => void): Promise<Report>;
/**
 * Listens in Node, and tells what it sees of each dialer, until the signal is aborted.
 *
 * @param {string[]} addresses multiaddrs over TCP and WebSocket
 * @param {Pick<Options, 'transport' | 'signal'>} options
 * @param {(line: string, text?: string) => void} onEvent gets each event, a line of NDJSON, and a line for people where there is
 *   something to say
 * @returns {Promise<void>}
 */
export function listen(addresses: string[], options: Pick<Options, "transport" | "signal">, onEvent: (line: string, text?: string) => void): Promise<void>;
/**
 * What may be set of a run. Times are in milliseconds; what is left out is as on the command line.
 */
export type Options = {
    /**
     * another transport than the one of this package
     */
    transport?: import("./contract.js").Transport | undefined;
    /**
     * how names are looked up; null: the platform does it, unseen
     */
    names?: import("./names.js").Names | null | undefined;
    /**
     * aborting it ends the run, with the report of what was seen until then
     */
    signal?: AbortSignal | undefined;
    /**
     * for one address
     */
    timeoutMs?: number | undefined;
    /**
     * for the whole run
     */
    deadlineMs?: number | undefined;
    pings?: number | undefined;
    /**
     * between two pings; not counted into the times above
     */
    pingIntervalMs?: number | undefined;
    concurrency?: number | undefined;
    transports?: string[] | undefined;
    family?: 4 | 6 | undefined;
    security?: "noise" | "tls" | undefined;
    webrtc?: "v1" | "v2" | "both" | undefined;
    learnCerthash?: boolean | undefined;
    announced?: boolean | undefined;
    private?: boolean | undefined;
    redact?: boolean | undefined;
};
import { Report } from './wasm/probe.js';
import { compare } from './wasm/probe.js';
import { version } from './wasm/probe.js';
export { Report, compare, version };
