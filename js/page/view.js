/**
 * What is seen: reports, states, faults.
 *
 * @module
 */

/** @param {string} id @returns {any} */
export const element = id => document.getElementById(id)

/**
 * Puts a report in its place. The HTML is the renderer's, which escapes whatever strangers chose; what was unfolded stays so, and
 * what has the focus keeps it.
 *
 * @param {HTMLElement} place @param {string} html
 */
export function show (place, html) {
  const open = new Set([...place.querySelectorAll('details[open]')].map(details => details.id))
  const focused = name(place)
  place.innerHTML = html
  for (const details of place.querySelectorAll('details')) details.open = open.has(details.id)
  if (focused !== undefined) place.querySelector(focused)?.focus({ preventScroll: true })
}

/** How to find again what has the focus in a place: a fold is told by what it folds. @param {HTMLElement} place */
function name (place) {
  const focused = document.activeElement
  if (focused === null || focused === place || !place.contains(focused)) return undefined
  if (focused.id !== '') return `#${CSS.escape(focused.id)}`
  const fold = focused.localName === 'summary' ? focused.parentElement?.id : ''
  return fold ? `#${CSS.escape(fold)} > summary` : undefined
}

/** What a report comes to: in words, for the title, and in full, for a screen reader, which nothing is said to twice. @param {HTMLElement} place */
export function headline (place) {
  const words = place.querySelector('.verdict .words')?.lastChild?.textContent?.trim() ?? ''
  const summary = place.querySelector('.verdict .summary')?.textContent ?? ''
  return { words, told: summary.startsWith(`It ${words}`) ? summary : `${words}. ${summary}` }
}

/** How long a button says what it has done, in milliseconds. */
const DONE = 2000
/** How long the status is empty before it says the same again, in milliseconds: else that would not be read out. */
const AGAIN = 100

/** @type {number | undefined} */
let again

/** Tells a screen reader. @param {string} words */
export function say (words) {
  const status = element('status')
  clearTimeout(again)
  if (words === '' || status.textContent !== words) {
    status.textContent = words
    return
  }
  status.textContent = ''
  again = setTimeout(() => { status.textContent = words }, AGAIN)
}

/** What each button says that tells what it has done. @type {WeakMap<HTMLElement, { label: string, timer: number }>} */
const labels = new WeakMap()

/** A button says for a moment what it has done. @param {HTMLElement} button @param {string} words */
export function done (button, words) {
  const before = labels.get(button)
  const label = before?.label ?? button.textContent ?? ''
  clearTimeout(before?.timer)
  button.textContent = words
  const timer = setTimeout(() => {
    button.textContent = label
    labels.delete(button)
  }, DONE)
  labels.set(button, { label, timer })
  say(words)
}

/** Whether the program has stopped for good: then there is nothing else to say. */
let stopped = false

/** Something is wrong, in one sentence; nothing, when it is over. @param {unknown} [error] */
export function fault (error) {
  if (stopped) return
  stopped = error instanceof Error && error.name === 'DefectError'
  const banner = element('fault')
  banner.hidden = error === undefined
  banner.textContent = error === undefined ? '' : sentence(error)
}

/** @param {unknown} error */
export function sentence (error) {
  const words = error instanceof WebAssembly.RuntimeError
    ? `p2p-probe has a defect and stopped (${error.message}); load the page anew to go on`
    : error instanceof Error ? error.message : String(error)
  // A file's name stays as it is.
  const named = error instanceof Error && error.name === 'Unreadable'
  const sentence = named ? words : words.charAt(0).toUpperCase() + words.slice(1)
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`
}

/** Whatever fails is said. @param {() => Promise<void> | void} action */
export function told (action) {
  return Promise.resolve().then(action).catch(error => fault(error))
}
