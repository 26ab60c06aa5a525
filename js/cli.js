#!/usr/bin/env node
/**
 * `dial` and `listen` in Node: the arguments, output and exit codes of the program for the terminal, as far as Node can go.
 *
 * @module
 */

import { writeFileSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { names } from './names.js'
import { Report, listen, load, probe, version } from './probe.js'

/** Exit codes, a contract with scripts. */
const FAULT = 2
const INTERRUPTED = 130

const USAGE = `Tells whether a libp2p peer can be reached from Node, and if not why

Usage: node cli.js dial [OPTIONS] <TARGET>
       node cli.js listen [OPTIONS]

Options of dial, as of the program p2p-probe:
  --transport NAME,…  --family 4|6  --no-announced  --private  --security noise|tls
  --timeout TIME  --deadline TIME  --ping N  --ping-interval TIME  --concurrency N
  --resolver IP:PORT  --strict  --redact  --format text|json|ndjson  -o, --output FILE
Options of listen:
  --listen MULTIADDR (may be repeated)  --format text|ndjson

Node dials tcp, ws and wss. Exit codes: 0 reachable, 1 not reachable or not told, 2 usage or internal error, 130 interrupted
`

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
  quiet: { type: 'boolean', short: 'q' }
}

/** An error of whoever called. */
class Usage extends Error {}

/** @param {string[]} args */
async function main ([command, ...args]) {
  if (command === '--version' || command === '-V') return print(`p2p-probe ${await loaded(version)}\n`)
  if (command === undefined || command === '--help' || command === '-h' || args.includes('--help')) return print(USAGE)
  if (command === 'dial') return dial(args)
  if (command === 'listen') return listening(args)
  throw new Usage(`there is no command "${command}"; there are dial and listen`)
}

/** @param {string[]} args */
async function dial (args) {
  const { values, positionals } = parsed(args, DIAL)
  const [target = '', ...more] = positionals
  if (more.length > 0) throw new Usage(`one target at a time; what is "${more[0]}"?`)
  const { format, output } = values
  if (!['text', 'json', 'ndjson'].includes(String(format))) throw new Usage(`--format is text, json or ndjson, not "${format}"`)
  const out = new Output(output === undefined || output === '-' ? undefined : String(output))
  const stop = new AbortController()
  const signals = interruptions(stop)
  const resolver = names(values.resolver === undefined ? {} : { server: String(values.resolver) })
  const each = format === 'ndjson' ? /** @param {string} line */ line => out.write(line) : undefined
  try {
    const report = await probe(target, { ...options(values), names: resolver, signal: stop.signal }, each)
    out.write(written(report, String(format)))
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
  quiet: { type: 'boolean', short: 'q' }
}

/** @param {string[]} args */
async function listening (args) {
  const { values, positionals: [more] } = parsed(args, LISTEN)
  if (more !== undefined) throw new Usage(`listen takes no "${more}"; name addresses with --listen`)
  if (!['text', 'ndjson'].includes(values.format)) throw new Usage(`--format is text or ndjson, not "${values.format}"`)
  const stop = new AbortController()
  const signals = interruptions(stop)
  // Whoever read what it saw has gone away.
  process.stdout.once('error', () => stop.abort())
  try {
    await listen(values.listen, { signal: stop.signal }, (line, text) => print(values.format === 'ndjson' ? line : text ?? ''))
  } finally {
    signals.forget()
  }
}

/**
 * What the program for the terminal has as options, as {@link import('./probe.js').Options}.
 *
 * @param {Record<string, any>} values
 * @returns {any}
 */
function options (values) {
  return {
    transports: values.transport?.split(','),
    family: values.family,
    security: values.security,
    webrtc: values.webrtc,
    learnCerthash: values['learn-certhash'],
    announced: values['no-announced'] === true ? false : undefined,
    private: values.private,
    timeout: values.timeout,
    deadline: values.deadline,
    pings: number('--ping', values.ping),
    pingInterval: values['ping-interval'],
    concurrency: number('--concurrency', values.concurrency),
    redact: values.redact
  }
}

/**
 * @param {string} name
 * @param {string | undefined} text
 */
function number (name, text) {
  if (text === undefined) return undefined
  if (!/^\d{1,9}$/.test(text)) throw new Usage(`${name} takes a whole number, not "${text}"`)
  return Number(text)
}

/**
 * @param {string[]} args
 * @param {import('node:util').ParseArgsConfig['options']} options
 * @returns {{ values: Record<string, any>, positionals: string[] }}
 */
function parsed (args, options) {
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    const [sentence = ''] = /** @type {Error} */ (error).message.split('. ')
    throw new Usage(sentence)
  }
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

/** Where a report goes: stdout, or a file that is written whole or not at all. */
class Output {
  #path
  /** @type {string | undefined} */
  #draft

  /** @param {string} [path] */
  constructor (path) {
    this.#path = path
    if (path === undefined) return
    this.#draft = join(dirname(path), `.${basename(path)}.${process.pid}.part`)
    // Now, so that a folder that does not exist costs no time.
    writeFileSync(this.#draft, '')
  }

  /** @param {string} text */
  write (text) {
    if (this.#draft === undefined) print(text)
    else writeFileSync(this.#draft, text, { flag: 'a' })
  }

  finish () {
    if (this.#draft === undefined || this.#path === undefined) return
    renameSync(this.#draft, this.#path)
    this.#draft = undefined
  }

  abandon () {
    if (this.#draft !== undefined) rmSync(this.#draft, { force: true })
  }
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
