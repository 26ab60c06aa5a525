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
 * Listens in Node, and tells what it sees of each dialer, until the signal is aborted. It serves 256 at once, 32 of them from one
 * IPv4 address or IPv6 /64; of those it turns away it tells five a second, of dialers it has 20 lines for people a second.
 *
 * @param {string[]} addresses multiaddrs over TCP and WebSocket
 * @param {Pick<Options, 'transport' | 'signal'>} options
 * @param {(line: string, text?: string) => void} onEvent gets each event, a line of NDJSON, and a line for people where there is
 *   something to say
 * @returns {Promise<string | undefined>} the last line for people, if there is one: how many were left out
 */
export function listen(addresses: string[], options: Pick<Options, "transport" | "signal">, onEvent: (line: string, text?: string) => void): Promise<string | undefined>;
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
