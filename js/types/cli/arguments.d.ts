/**
 * What the program for the terminal has as options, as {@link import('../probe.js').Options}.
 *
 * @param {Record<string, any>} values
 * @returns {any}
 */
export function options(values: Record<string, any>): any;
/**
 * Throws an error of a run, which names what was set wrong: as it was typed.
 *
 * @param {Error & { option?: string, words?: string }} error
 * @returns {never}
 */
export function named(error: Error & {
    option?: string;
    words?: string;
}): never;
/**
 * @param {string} option
 * @param {string} text
 * @param {string[]} words
 */
export function oneOf(option: string, text: string, words: string[]): string;
/**
 * A DNS server: an IP address, and a port if it is not 53.
 *
 * @param {string} text
 */
export function server(text: string): string;
/**
 * @param {string[]} args
 * @param {import('node:util').ParseArgsConfig['options']} options
 * @returns {{ values: Record<string, any>, positionals: string[] }}
 */
export function parsed(args: string[], options: import("node:util").ParseArgsConfig["options"]): {
    values: Record<string, any>;
    positionals: string[];
};
/** What is said to who asks for help. */
export const USAGE: "Tells whether a libp2p peer can be reached from Node, and if not why\n\nUsage: p2p-probe-node dial [OPTIONS] <TARGET>\n       p2p-probe-node listen [OPTIONS]\n\nOptions of dial, as of the program p2p-probe:\n  --transport NAME,\u2026  --family 4|6  --no-announced  --private  --security noise\n  --webrtc v1|v2|both  --learn-certhash  (of what Node cannot dial, what to say)\n  --timeout TIME  --deadline TIME  --ping N  --ping-interval TIME  --concurrency N\n  --resolver IP:PORT  --strict  --redact  --format text|json|ndjson\n  -o, --output FILE  (whole or not at all; - for stdout)\nOptions of listen:\n  --listen MULTIADDR  (may be repeated)  --format text|ndjson\nOptions of both:\n  -q, --quiet  (there is no progress here)  -h, --help  -V, --version\n\nExamples:\n  p2p-probe-node dial /ip4/203.0.113.7/tcp/4001\n  p2p-probe-node dial /dns4/node.example.org/tcp/443/wss --ping 10\n  p2p-probe-node dial /dnsaddr/bootstrap.libp2p.io --family 6 --format json -o report.json\n  p2p-probe-node listen\n  p2p-probe-node listen --listen /ip4/127.0.0.1/tcp/4011 --listen /ip4/127.0.0.1/tcp/4012/ws\n\nNode dials tcp, ws and wss, and listens on tcp and ws. listen ends on Ctrl-C and SIGTERM.\nExit codes: 0 reachable, 1 not reachable or not told, 2 usage or internal error, 130 interrupted; of listen 0 ended by a signal, 2\n";
/** Options of `dial`. @type {import('node:util').ParseArgsConfig['options']} */
export const DIAL: import("node:util").ParseArgsConfig["options"];
/** Options of `listen`. @type {import('node:util').ParseArgsConfig['options']} */
export const LISTEN: import("node:util").ParseArgsConfig["options"];
/** An error of whoever called. */
export class Usage extends Error {
}
