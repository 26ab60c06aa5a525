/**
 * What is seen: reports, states, faults.
 *
 * @module
 */

/** @param {string} id @returns {any} */
export const element = id => document.getElementById(id)

/**
 * Puts a report in its place. The HTML is the renderer's, which escapes whatever strangers chose; what was unfolded stays so.
 *
 * @param {HTMLElement} place @param {string} html
 */
export function show (place, html) {
  const open = new Set([...place.querySelectorAll('details[open]')].map(details => details.id))
  const focused = place.contains(document.activeElement) ? document.activeElement?.closest('[id]')?.id : undefined
  place.innerHTML = html
  for (const details of place.querySelectorAll('details')) details.open = open.has(details.id)
  if (focused !== undefined) document.getElementById(focused)?.querySelector('summary, a')?.focus({ preventScroll: true })
}

/** What a report comes to, for a screen reader and the title. @param {HTMLElement} place */
export function headline (place) {
  const words = place.querySelector('.verdict .words')?.lastChild?.textContent?.trim() ?? ''
  const summary = place.querySelector('.verdict .summary')?.textContent ?? ''
  return { words, summary }
}

/** @param {string} words */
export function say (words) {
  element('status').textContent = words
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
