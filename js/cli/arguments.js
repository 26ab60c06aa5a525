/**
 * The arguments of the command: which there are, what they may be, and what is said where they are not that.
 *
 * @module
 */

import { isIP } from 'node:net'
import { parseArgs } from 'node:util'

/** What is said to who asks for help. */
export const USAGE = `Tells whether a libp2p peer can be reached from Node, and if not why

Usage: p2p-probe-node dial [OPTIONS] <TARGET>
       p2p-probe-node listen [OPTIONS]

Options of dial, as of the program p2p-probe:
  --transport NAME,…  --family 4|6  --no-announced  --private  --security noise
  --webrtc v1|v2|both  --learn-certhash  (of what Node cannot dial, what to say)
  --timeout TIME  --deadline TIME  --ping N  --ping-interval TIME  --concurrency N
  --resolver IP:PORT  --strict  --redact  --format text|json|ndjson
  -o, --output FILE  (whole or not at all; - for stdout)
Options of listen:
  --listen MULTIADDR  (may be repeated)  --format text|ndjson
Options of both:
  -q, --quiet  (there is no progress here)  -h, --help  -V, --version

Examples:
  p2p-probe-node dial /ip4/203.0.113.7/tcp/4001
  p2p-probe-node dial /dns4/node.example.org/tcp/443/wss --ping 10
  p2p-probe-node dial /dnsaddr/bootstrap.libp2p.io --family 6 --format json -o report.json
  p2p-probe-node listen
  p2p-probe-node listen --listen /ip4/127.0.0.1/tcp/4011 --listen /ip4/127.0.0.1/tcp/4012/ws

Node dials tcp, ws and wss, and listens on tcp and ws. listen ends on Ctrl-C and SIGTERM.
Exit codes: 0 reachable, 1 not reachable or not told, 2 usage or internal error, 130 interrupted; of listen 0 ended by a signal, 2
`

/** Options of every command. @type {import('node:util').ParseArgsConfig['options']} */
const BOTH = {
  quiet: { type: 'boolean', short: 'q' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'V' }
}

/** Options of `dial`. @type {import('node:util').ParseArgsConfig['options']} */
export const DIAL = {
  transport: { type: 'string' },
  family: { type: 'string' },
  'no-announced': { type: 'boolean' },
  private: { type: 'boolean' },
  security: { type: 'string' },
  webrtc: { type: 'string' },
  'learn-certhash': { type: 'boolean' },
  timeout: { type: 'string' },
  deadline: { type: 'string' },
  ping: { type: 'string' },
  'ping-interval': { type: 'string' },
  concurrency: { type: 'string' },
  resolver: { type: 'string' },
  strict: { type: 'boolean' },
  redact: { type: 'boolean' },
  format: { type: 'string', default: 'text' },
  output: { type: 'string', short: 'o' },
  ...BOTH
}

/** Options of `listen`. @type {import('node:util').ParseArgsConfig['options']} */
export const LISTEN = {
  listen: { type: 'string', multiple: true, default: ['/ip4/0.0.0.0/tcp/4011', '/ip4/0.0.0.0/tcp/4012/ws'] },
  format: { type: 'string', default: 'text' },
  ...BOTH
}

/** An error of whoever called. */
export class Usage extends Error {}

/** Options that a run has by another name: the member of {@link import('../probe.js').Options}. @type {[string, string][]} */
const MEMBERS = [
  ['transport', 'transports'],
  ['learn-certhash', 'learnCerthash'],
  ['no-announced', 'announced'],
  ['ping', 'pings'],
  ['ping-interval', 'pingInterval']
]

/**
 * What the program for the terminal has as options, as {@link import('../probe.js').Options}.
 *
 * @param {Record<string, any>} values
 * @returns {any}
 */
export function options (values) {
  const { family, security, webrtc, timeout, deadline, redact } = values
  return {
    transports: values.transport?.split(','),
    family,
    security,
    webrtc,
    learnCerthash: values['learn-certhash'],
    announced: values['no-announced'] === true ? false : undefined,
    private: values.private,
    timeout,
    deadline,
    pings: number(values.ping),
    pingInterval: values['ping-interval'],
    concurrency: number(values.concurrency),
    redact
  }
}

/**
 * A whole number; anything else as it is typed, to be refused like one out of range.
 *
 * @param {string | undefined} text
 */
function number (text) {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : text
}

/**
 * Throws an error of a run, which names what was set wrong: as it was typed.
 *
 * @param {Error & { option?: string, words?: string }} error
 * @returns {never}
 */
export function named (error) {
  const { option, words } = error
  if (option === undefined) throw error
  const [name = option] = MEMBERS.find(([, member]) => member === option) ?? []
  throw new Usage(`--${name} ${words}`)
}

/**
 * @param {string} option
 * @param {string} text
 * @param {string[]} words
 */
export function oneOf (option, text, words) {
  if (words.includes(text)) return text
  throw new Usage(`${option} takes ${words.join(', ')}, not "${text}"`)
}

/**
 * A DNS server: an IP address, and a port if it is not 53.
 *
 * @param {string} text
 */
export function server (text) {
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? []
  const known = isIP(text) !== 0 || isIP(bracketed ?? '') === 6 || isIP(plain ?? '') === 4
  if (known && (port === undefined || (Number(port) > 0 && Number(port) < 65536))) return text
  throw new Usage(`--resolver takes the IP address of a DNS server, and a port if it is not 53: 9.9.9.9:53, not "${text}"`)
}

/**
 * @param {string[]} args
 * @param {import('node:util').ParseArgsConfig['options']} options
 * @returns {{ values: Record<string, any>, positionals: string[] }}
 */
export function parsed (args, options) {
  try {
    return parseArgs({ args: negative(args), options, allowPositionals: true })
  } catch (error) {
    const [sentence = ''] = /** @type {Error} */ (error).message.split(/\.\s/)
    throw new Usage(sentence)
  }
}

/**
 * Numbers below zero belong to the option before them: they are refused as its value, not as an option.
 *
 * @param {string[]} args
 */
function negative (args) {
  return args.reduce((/** @type {string[]} */ joined, arg) => {
    const last = joined.at(-1) ?? ''
    const value = /^-\d/.test(arg) && /^--[^=]+$/.test(last)
    return value ? [...joined.slice(0, -1), `${last}=${arg}`] : [...joined, arg]
  }, [])
}
