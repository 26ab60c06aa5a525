#!/usr/bin/env node
/**
 * `dial` and `listen` in Node: the arguments, output and exit codes of the program for the terminal, as far as Node can go.
 *
 * @module
 */

import { isIP } from 'node:net'
import { parseArgs } from 'node:util'
import { names } from './names.js'
import { Output } from './output.js'
import { Report, listen, load, probe, version } from './probe.js'

/** Exit codes, a contract with scripts. */
const FAULT = 2
const INTERRUPTED = 130

const USAGE = `Tells whether a libp2p peer can be reached from Node, and if not why

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

/** @type {import('node:util').ParseArgsConfig['options']} */
const BOTH = {
  quiet: { type: 'boolean', short: 'q' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'V' }
}

/** @type {import('node:util').ParseArgsConfig['options']} */
const DIAL = {
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

/** An error of whoever called. */
class Usage extends Error {}

/** @param {string[]} args */
async function main ([command, ...args]) {
  if (command === '--version' || command === '-V') return told({ version: true })
  if (command === undefined || command === '--help' || command === '-h') return told({ help: true })
  if (command === 'dial') return dial(args)
  if (command === 'listen') return listening(args)
  throw new Usage(`there is no command "${command}"; there are dial and listen`)
}

/**
 * What is asked of the program itself; false when nothing is.
 *
 * @param {Record<string, any>} values
 */
async function told ({ help, version: which }) {
  if (help === true) print(USAGE)
  else if (which === true) print(`p2p-probe ${await loaded(version)}\n`)
  else return false
  return true
}

/** @param {string[]} args */
async function dial (args) {
  const { values, positionals } = parsed(args, DIAL)
  if (await told(values)) return
  const [target = '', ...more] = positionals
  if (more.length > 0) throw new Usage(`one target at a time; what is "${more[0]}"?`)
  const { output } = values
  const format = oneOf('--format', values.format, ['text', 'json', 'ndjson'])
  const asked = options(values)
  const resolver = names(values.resolver === undefined ? {} : { server: server(values.resolver) })
  const out = new Output(output === '-' ? undefined : output)
  const stop = new AbortController()
  const signals = interruptions(stop)
  const each = format === 'ndjson' ? /** @param {string} line */ line => out.write(line) : undefined
  try {
    const report = await probe(target, { ...asked, names: resolver, signal: stop.signal }, each).catch(named)
    out.write(written(report, format))
    out.finish()
    process.exitCode = report.exitCode(values.strict === true, stop.signal.aborted)
  } finally {
    out.abandon()
    resolver?.cancel()
    signals.forget()
  }
}

/** @type {import('node:util').ParseArgsConfig['options']} */
const LISTEN = {
  listen: { type: 'string', multiple: true, default: ['/ip4/0.0.0.0/tcp/4011', '/ip4/0.0.0.0/tcp/4012/ws'] },
  format: { type: 'string', default: 'text' },
  ...BOTH
}

/** @param {string[]} args */
async function listening (args) {
  const { values, positionals: [more] } = parsed(args, LISTEN)
  if (await told(values)) return
  if (more !== undefined) throw new Usage(`listen takes no "${more}"; name addresses with --listen`)
  const people = oneOf('--format', values.format, ['text', 'ndjson']) === 'text'
  const stop = new AbortController()
  const signals = interruptions(stop)
  // Whoever read what it saw has gone away.
  process.stdout.once('error', () => stop.abort())
  try {
    const serving = listen(values.listen, { signal: stop.signal }, (line, text) => print(people ? text ?? '' : line))
    const rest = await serving.catch(error => { throw error.name === 'UsageError' ? new Usage(`--listen: ${error.message}`) : error })
    if (people) print(rest ?? '')
  } finally {
    signals.forget()
  }
}

/** Options that a run has by another name: the member of {@link import('./probe.js').Options}. @type {[string, string][]} */
const MEMBERS = [
  ['transport', 'transports'],
  ['learn-certhash', 'learnCerthash'],
  ['no-announced', 'announced'],
  ['ping', 'pings'],
  ['ping-interval', 'pingInterval']
]

/**
 * What the program for the terminal has as options, as {@link import('./probe.js').Options}.
 *
 * @param {Record<string, any>} values
 * @returns {any}
 */
function options (values) {
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
function named (error) {
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
function oneOf (option, text, words) {
  if (words.includes(text)) return text
  throw new Usage(`${option} takes ${words.join(', ')}, not "${text}"`)
}

/**
 * A DNS server: an IP address, and a port if it is not 53.
 *
 * @param {string} text
 */
function server (text) {
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
function parsed (args, options) {
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

/**
 * @param {Report} report
 * @param {string} format
 */
function written (report, format) {
  if (format === 'json') return report.json()
  if (format === 'ndjson') return report.line()
  const { isTTY = false, columns } = process.stdout
  return report.text(columns, isTTY && !process.env.NO_COLOR)
}

/**
 * The first signal ends the run and leaves its report; the second ends at once.
 *
 * @param {AbortController} stop
 */
function interruptions (stop) {
  const interrupt = () => {
    if (stop.signal.aborted) process.exit(INTERRUPTED)
    stop.abort()
  }
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  return { forget: () => { process.off('SIGINT', interrupt).off('SIGTERM', interrupt) } }
}

/** @param {string} text */
function print (text) {
  process.stdout.write(text)
}

/**
 * @template Value
 * @param {() => Value} use
 */
async function loaded (use) {
  await load()
  return use()
}

/** @param {unknown} error */
function fail (error) {
  const { message } = error instanceof Error ? error : new Error(String(error))
  process.stderr.write(`error: ${message}\n`)
  process.exitCode = FAULT
}

// Whoever read has gone away: the rest is for nobody.
process.stdout.on('error', error => { if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EPIPE') throw error })
// A defect of the program ends it here; what waits for it was told as well.
process.on('uncaughtException', error => {
  fail(error)
  process.exit(FAULT)
})
main(process.argv.slice(2)).catch(fail)
