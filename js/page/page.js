/**
 * The page: a form, the program in WebAssembly, and what it shows. Everything that is known about a run is in its report,
 * which Rust folds and renders; here is only what a browser has to be asked for.
 *
 * @module
 */

import { first, own } from './listener.js'
import { choose, hash, wireOpening } from './open.js'
import { loaded } from './program.js'
import { closeComparison, shown } from './reports.js'
import { isRunning, probe, stop } from './run.js'
import { copy, download, fileName, link } from './saved.js'
import { done, element, fault, told } from './view.js'

/** Those of the listener that serves this page. @type {string[]} */
let addresses = []

/** What of the browser's rules bears on the result. */
function context () {
  if (window.isSecureContext) return
  const banner = element('context')
  banner.hidden = false
  banner.textContent = 'This page came over plain HTTP from another machine, so the browser has no WebTransport here. ' +
    'p2p-probe listen --tls-cert --tls-key serves the page by HTTPS; on the machine itself 127.0.0.1 will do.'
}

/** @param {string} id @param {string | Promise<string>} text */
async function copied (id, text) {
  await copy(await text)
  done(element(id), 'Copied')
}

/** @param {string} id @param {() => Promise<void> | void} action */
const on = (id, action) => element(id).addEventListener('click', () => told(action))

function wire () {
  element('form').addEventListener('submit', event => {
    event.preventDefault()
    if (isRunning()) return stop()
    told(() => probe(element('target').value.trim(), addresses.length > 0))
  })
  // A field in a fold could not be shown to be wrong.
  element('form').addEventListener('invalid', ({ target }) => target.closest('details')?.setAttribute('open', ''), true)
  on('open', () => choose(false))
  on('compare', () => choose(true))
  on('close', closeComparison)
  on('copy-text', () => copied('copy-text', shown.report.text(80)))
  on('copy-json', () => copied('copy-json', shown.report.json()))
  on('copy-link', () => copied('copy-link', link(shown.report.json(), location.href)))
  on('download', () => {
    const json = shown.report.json()
    download(fileName(JSON.parse(json)), json)
  })
  window.addEventListener('error', ({ error, message }) => fault(error ?? message))
  window.addEventListener('unhandledrejection', ({ reason }) => fault(reason))
}

/** A button that takes an address as the target. @param {string} address */
function choice (address) {
  const button = Object.assign(document.createElement('button'), { type: 'button', textContent: address })
  button.addEventListener('click', () => {
    element('target').value = address
    element('go').focus()
  })
  const item = document.createElement('li')
  item.append(button)
  return item
}

/** The listener's own addresses, or the one that the page was asked for. */
async function fill () {
  const asked = new URLSearchParams(location.search).get('target')
  if (asked !== null) element('target').value = asked
  const listener = await own()
  if (listener === null) return
  addresses = listener.addresses
  element('own').replaceChildren(...addresses.map(address => Object.assign(document.createElement('option'), { value: address })))
  element('mine').hidden = addresses.length === 0
  element('mine-list').replaceChildren(...addresses.map(choice))
  if (element('target').value === '') element('target').value = first(addresses, location)
}

element('unstarted').remove()
wire()
wireOpening()
context()
told(() => loaded)
told(fill)
told(hash)
document.documentElement.dataset.ready = 'yes'
