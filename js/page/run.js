/**
 * A run: from the press of the button to its report. There is one at a time.
 *
 * @module
 */

import { OtherEnd } from './listener.js'
import { loaded, program } from './program.js'
import { clear, forget, isLive, live, showReport } from './reports.js'
import { element, fault, say } from './view.js'

/** How often a run is drawn of which nothing is heard, in milliseconds: more often would be in the way of who clicks on it. */
const TICK = 1000

/** The run that goes on. @type {AbortController | undefined} */
let running

export const isRunning = () => running !== undefined

/** Runs a probe and shows it as it goes. @param {string} target @param {boolean} asks whether a listener serves this page */
export async function probe (target, asks) {
  const run = begin()
  try {
    await loaded
    // Stopped meanwhile, or something was opened.
    if (running === run) await follow(target, run, asks)
  } catch (error) {
    // What cannot be meant as a target has no report.
    if (running === run) {
      clear()
      say('')
    }
    throw error
  } finally {
    ended(run)
  }
}

/** From the press on the button stops it. */
function begin () {
  fault()
  forget()
  running = new AbortController()
  element('go').textContent = 'Stop'
  // Whatever stands in the fields by now, it stops.
  element('go').formNoValidate = true
  if (program === undefined) {
    say('Loading')
    clear('The program is being loaded …')
  }
  return running
}

/** @param {AbortController} run */
function ended (run) {
  if (running !== run) return
  running = undefined
  element('go').textContent = 'Probe'
  element('go').formNoValidate = false
}

/** Ends the run with the report of what it has seen; one that waits for the program has seen nothing. */
export function stop () {
  if (program !== undefined) return running?.abort()
  leave()
  clear()
  say('')
}

/** Ends the run without a report: something else takes its place. */
export function leave () {
  if (running === undefined) return
  running.abort()
  ended(running)
}

/** @param {string} target @param {AbortController} run @param {boolean} asks */
async function follow (target, run, asks) {
  const report = new program.Report()
  const view = live(report)
  say('Running')
  // What is replaced could not be matched, and must not come in by this way.
  const clock = setInterval(() => view.draw(), TICK)
  const end = asks && !element('redact').checked ? new OtherEnd(attempt => saw(report, attempt, view)) : undefined
  try {
    await program.probe(target, options(run.signal), line => {
      report.apply(line)
      const event = JSON.parse(line)
      view.at(event.t_ms)
      end?.heard(event)
      view.draw()
    })
    clearInterval(clock)
    if (running !== run) return
    showReport({ name: 'this page', report }, view)
    ended(run)
    await end?.finish()
  } finally {
    clearInterval(clock)
    end?.close()
  }
}

/** The listener's view of a dial becomes a fact of this run, while the run is what is shown. */
function saw (report, attempt, view) {
  if (!isLive(view)) return
  report.apply(JSON.stringify({ event: 'listener-saw', t_ms: view.t_ms, run: 0, attempt }))
  view.draw()
}

/** @param {AbortSignal} signal */
function options (signal) {
  const number = id => {
    const { valueAsNumber } = element(id)
    return Number.isNaN(valueAsNumber) ? undefined : valueAsNumber
  }
  return {
    signal,
    pings: number('pings'),
    pingIntervalMs: (number('pause') ?? 0) * 1000,
    announced: element('announced').checked,
    private: element('private').checked,
    redact: element('redact').checked
  }
}
