#!/usr/bin/env node
/**
 * `dial` and `listen` in Node: the arguments, output and exit codes of the program for the terminal, as far as Node can go.
 *
 * @module
 */

import { DIAL, LISTEN, USAGE, Usage, named, oneOf, options, parsed, server } from './cli/arguments.js'
import { names } from './names.js'
import { Output } from './cli/output.js'
import { Report, listen, load, probe, version } from './probe.js'

/** Exit codes, a contract with scripts. */
const FAULT = 2
const INTERRUPTED = 130

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
