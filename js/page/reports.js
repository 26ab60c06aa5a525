/**
 * The report that is shown, or the two that are compared. Rust renders them; here they get their places.
 *
 * @module
 */

import { program } from './program.js'
import { Unreadable } from './saved.js'
import { element, headline, say, show } from './view.js'

/** @typedef {{ name: string, report: import('../probe.js').Report }} Shown */
/** @typedef {{ t_ms: number, at: (t_ms: number) => void, draw: (now?: boolean) => void }} View */

/** What can be copied and compared. @type {Shown | undefined} */
export let shown
/** What it is compared with. @type {Shown | undefined} */
let other
/** The view that may draw: what comes late of another one would draw over what is shown. @type {View | undefined} */
let drawing

/** Before every `id` of the report, since the page has its own. */
const PREFIX = 'r'

/** A view of a report that changes, in the place of any other. @param {import('../probe.js').Report} report @returns {View} */
export function live (report) {
  let waits = false
  /** When its last event was, on the clock of the page. */
  let last = performance.now()
  const place = () => {
    waits = false
    if (drawing === view) show(element('report'), report.html(PREFIX, view.t_ms + performance.now() - last))
  }
  const view = {
    t_ms: 0,
    /** Of its last event. @param {number} t_ms */
    at (t_ms) {
      view.t_ms = Math.max(view.t_ms, t_ms)
      last = performance.now()
    },
    /** At most once a frame, but for the last time. */
    draw (now = false) {
      if (now) return place()
      if (waits) return
      waits = true
      requestAnimationFrame(place)
    }
  }
  drawing = view
  return view
}

/** Whether a view is what is shown. @param {View} view */
export function isLive (view) {
  return drawing === view
}

/** Shows a report that is whole. @param {Shown} one */
export function showReport (one, view = live(one.report)) {
  shown = one
  view.draw(true)
  element('tools').hidden = false
  const { words, told } = headline(element('report'))
  document.title = words === '' ? 'p2p-probe' : `${words} · p2p-probe`
  say(told)
}

/** There is no whole report: another is on its way. */
export function forget () {
  shown = undefined
  drawing = undefined
  closeComparison()
  element('tools').hidden = true
  document.title = 'p2p-probe'
}

/** Nothing is shown; or a sentence that says why. @param {string} [words] */
export function clear (words) {
  const note = words === undefined ? [] : [Object.assign(document.createElement('p'), { className: 'note', textContent: words })]
  drawing = undefined
  element('report').replaceChildren(...note)
}

/** @param {string} text @param {string} name @returns {Shown} */
export function parse (text, name) {
  try {
    return { name, report: program.Report.fromJson(text) }
  } catch (error) {
    throw new Unreadable(`${name} ${String(error.message ?? error).replace(/^(this|the text) /, '')}`)
  }
}

/** @param {Shown} two */
export function compareWith (two) {
  if (shown === undefined) return
  other = two
  drawing = undefined
  show(element('comparison'), program.compare(shown.report, two.report).html(shown.name, two.name))
  for (const [place, letter, one] of [['report', 'A', shown], ['other', 'B', two]]) {
    const name = Object.assign(document.createElement('p'), { className: 'name', textContent: `${letter}: ${one.name}` })
    show(element(place), one.report.html(letter.toLowerCase()))
    element(place).prepend(name)
  }
  element('other').hidden = false
  element('close').hidden = false
  element('reports').classList.add('two')
  document.body.classList.add('wide')
  say(headline(element('comparison')).told)
  element('comparison').scrollIntoView({ block: 'nearest' })
}

export function closeComparison () {
  if (other === undefined) return
  other = undefined
  element('comparison').replaceChildren()
  element('other').replaceChildren()
  if (document.activeElement === element('close')) element('compare').focus()
  element('other').hidden = element('close').hidden = true
  element('reports').classList.remove('two')
  document.body.classList.remove('wide')
  if (shown !== undefined) live(shown.report).draw(true)
}
