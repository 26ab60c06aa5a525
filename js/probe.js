/**
 * p2p-probe itself: the same engine as in the terminal, as WebAssembly over the JS transport. `load` has to be awaited once;
 * in a page it fetches the program from beside its own file, in Node it reads it from there.
 *
 * @module
 */

import { createTransport } from './index.js'
import { names } from './names.js'
import { builtin } from './platform.js'
import init, { Report, compare, listen as serve, probe as run, version } from './wasm/probe.js'

export { Report, compare, version }

/**
 * What may be set of a run. Times are in milliseconds; what is left out is as on the command line.
 *
 * @typedef {object} Options
 * @property {import('./contract.js').Transport} [transport] another transport than the one of this package
 * @property {import('./names.js').Names | null} [names] how names are looked up; null: the platform does it, unseen
 * @property {AbortSignal} [signal] aborting it ends the run, with the report of what was seen until then
 * @property {number} [timeoutMs] for one address
 * @property {number} [deadlineMs] for the whole run
 * @property {number} [pings]
 * @property {number} [pingIntervalMs] between two pings; not counted into the times above
 * @property {number} [concurrency]
 * @property {string[]} [transports]
 * @property {4 | 6} [family]
 * @property {'noise' | 'tls'} [security]
 * @property {'v1' | 'v2' | 'both'} [webrtc]
 * @property {boolean} [learnCerthash]
 * @property {boolean} [announced]
 * @property {boolean} [private]
 * @property {boolean} [redact]
 */

/** @type {Promise<void> | undefined} */
let loading

/** Loads the program; once, however often it is called. */
export function load () {
  loading ??= start()
  return loading
}

async function start () {
  const url = new URL('./wasm/probe_bg.wasm', import.meta.url)
  const files = url.protocol === 'file:' ? builtin('node:fs') : null
  await init({ module_or_path: files === null ? url : await files.promises.readFile(url) })
}

/**
 * Probes a peer, named by a multiaddr.
 *
 * @param {string} target
 * @param {Options} [options]
 * @param {(line: string) => void} [onEvent] gets each event as it happens, a line of NDJSON
 * @returns {Promise<Report>}
 */
export async function probe (target, options = {}, onEvent) {
  await load()
  return run(target, { transport: createTransport(), names: names(), sources: sources(), ...options }, onEvent)
}

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
export async function listen (addresses, options, onEvent) {
  await load()
  return serve(addresses, { transport: createTransport(), ...options }, onEvent)
}

/** An address of this machine beyond itself for each family that has one; undefined in a page, which cannot know. */
function sources () {
  const os = builtin('node:os')
  if (os === null) return undefined
  const addresses = Object.values(os.networkInterfaces()).flatMap(addresses => addresses ?? [])
  const reaching = addresses.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
  return ['IPv4', 'IPv6'].flatMap(wanted => reaching.find(({ family }) => family === wanted)?.address ?? [])
}
