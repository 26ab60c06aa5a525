/**
 * The page: a form, the program in WebAssembly, and what it shows. Everything that is known about a run is in its report,
 * which Rust folds and renders; here is only what a browser has to be asked for.
 *
 * @module
 */

import { OtherEnd, first, isOwn, own } from './listener.js'
import { Unreadable, copy, download, fileName, fromHash, isReport, link, read } from './saved.js'
import { element, fault, headline, say, show } from './view.js'

/** @type {typeof import('../probe.js')} */
let program
/** @typedef {{ name: string, report: import('../probe.js').Report }} Shown */
/** @type {Shown | undefined} */
let shown
/** @type {Shown | undefined} */
let other
/** @type {AbortController | undefined} */
let running
/** @type {string[]} */
let addresses = []

/** Before every `id` of the report, since the page has its own. */
const PREFIX = 'r'

/** Loads the program, and says in one sentence when that cannot be. */
async function start () {
  if (typeof WebAssembly !== 'object') throw new Error('This browser has no WebAssembly, which p2p-probe is made of; current Chromium, Firefox and Safari have it')
  program = await import('../probe.js')
  await program.load()
}

const loaded = start()
loaded.catch(error => fault(new Error(`The program could not be loaded: ${error.message ?? error}`)))

/** What of the browser's rules bears on the result. */
function context () {
  if (window.isSecureContext) return
  const banner = element('context')
  banner.hidden = false
  banner.textContent = 'This page came over plain HTTP from another machine, so the browser has no WebTransport here. ' +
    'p2p-probe listen --tls-cert --tls-key serves the page by HTTPS; on the machine itself 127.0.0.1 will do.'
}

/** Runs a probe and shows it as it goes. @param {string} target */
async function probe (target) {
  fault()
  await loaded
  const report = new program.Report()
  closeComparison()
  running = new AbortController()
  element('go').textContent = 'Stop'
  element('tools').hidden = true
  say('Running')
  const view = live(report)
  // What is replaced could not be matched, and must not come in by this way.
  const end = isOwn(target, addresses) && !element('redact').checked ? new OtherEnd(attempt => saw(report, attempt, view)) : undefined
  try {
    await program.probe(target, options(), line => {
      report.apply(line)
      const event = JSON.parse(line)
      view.t_ms = Math.max(view.t_ms, event.t_ms)
      end?.heard(event)
      view.draw()
    })
    await showReport({ name: 'this page', report }, view)
    await end?.finish()
  } catch (error) {
    // What cannot be meant as a target has no report.
    if (shown?.report !== report) element('report').replaceChildren()
    say('')
    throw error
  } finally {
    end?.close()
    running = undefined
    element('go').textContent = 'Probe'
  }
}

/** @param {import('../probe.js').Report} report */
function live (report) {
  let waits = false
  return {
    t_ms: 0,
    /** At most once a frame, but for the last time. */
    draw (now = false) {
      if (now) return show(element('report'), report.html(PREFIX))
      if (waits) return
      waits = true
      requestAnimationFrame(() => {
        waits = false
        show(element('report'), report.html(PREFIX))
      })
    }
  }
}

/** The listener's view of a dial becomes a fact of this run. */
function saw (report, attempt, view) {
  report.apply(JSON.stringify({ event: 'listener-saw', t_ms: view.t_ms, run: 0, attempt }))
  view.draw()
}

function options () {
  const number = id => {
    const { valueAsNumber } = element(id)
    return Number.isNaN(valueAsNumber) ? undefined : valueAsNumber
  }
  return {
    signal: running?.signal,
    pings: number('pings'),
    pingIntervalMs: (number('pause') ?? 0) * 1000,
    announced: element('announced').checked,
    private: element('private').checked,
    redact: element('redact').checked
  }
}

/** Shows a report that is whole. @param {Shown} one */
async function showReport (one, view = live(one.report)) {
  shown = one
  view.draw(true)
  element('tools').hidden = false
  const { words, summary } = headline(element('report'))
  document.title = words === '' ? 'p2p-probe' : `${words} · p2p-probe`
  say(`${words}. ${summary}`)
}

/** @param {string} text @param {string} name @returns {Shown} */
function parse (text, name) {
  try {
    return { name, report: program.Report.fromJson(text) }
  } catch (error) {
    throw new Unreadable(`${name} ${String(error.message ?? error).replace(/^(this|the text) /, '')}`)
  }
}

/** Opens saved reports: one is shown, two are compared. @param {{ name: string, text: string }[]} texts */
async function open (texts) {
  fault()
  await loaded
  const [one, two] = texts.slice(0, 2).map(({ name, text }) => parse(text, name))
  if (one === undefined) return
  closeComparison()
  await showReport(one)
  if (two !== undefined) compareWith(two)
}

/** @param {Shown} two */
function compareWith (two) {
  if (shown === undefined) return
  other = two
  const names = [shown.name, two.name]
  show(element('comparison'), program.compare(shown.report, two.report).html(...names))
  for (const [place, letter, one] of [['report', 'A', shown], ['other', 'B', two]]) {
    const name = Object.assign(document.createElement('p'), { className: 'name', textContent: `${letter}: ${one.name}` })
    show(element(place), one.report.html(letter.toLowerCase()))
    element(place).prepend(name)
  }
  element('other').hidden = false
  element('close').hidden = false
  element('reports').classList.add('two')
  document.body.classList.add('wide')
  const { words, summary } = headline(element('comparison'))
  say(`${words}: ${summary}`)
  element('comparison').scrollIntoView({ block: 'nearest' })
}

function closeComparison () {
  if (other === undefined) return
  other = undefined
  element('comparison').replaceChildren()
  element('other').replaceChildren()
  element('other').hidden = element('close').hidden = true
  element('reports').classList.remove('two')
  document.body.classList.remove('wide')
  if (shown !== undefined) live(shown.report).draw(true)
}

/** Whatever fails is said. @param {() => Promise<void> | void} action */
function told (action) {
  return Promise.resolve().then(action).catch(error => fault(error))
}

/** @param {Iterable<File>} files */
async function texts (files) {
  return await Promise.all([...files].map(async file => ({ name: file.name, text: await read(file) })))
}

/** Files that were chosen: for comparing with, when that was asked. */
let comparing = false
function choose (compare) {
  comparing = compare
  element('file').value = ''
  element('file').click()
}

async function chosen (files) {
  const found = await texts(files)
  if (comparing && found.length === 1 && shown !== undefined) compareWith(parse(found[0].text, found[0].name))
  else await open(found)
}

/** @param {string} id @param {() => Promise<void> | void} action */
const on = (id, action) => element(id).addEventListener('click', () => told(action))

function wire () {
  element('form').addEventListener('submit', event => {
    event.preventDefault()
    if (running !== undefined) return running.abort()
    told(() => probe(element('target').value.trim()))
  })
  on('open', () => choose(false))
  on('compare', () => choose(true))
  on('close', closeComparison)
  on('copy-text', async () => { await copy(shown.report.text(80)); say('Copied') })
  on('copy-json', async () => { await copy(shown.report.json()); say('Copied') })
  on('copy-link', async () => { await copy(await link(shown.report.json(), location.href)); say('Copied') })
  on('download', () => {
    const json = shown.report.json()
    download(fileName(JSON.parse(json)), json)
  })
  element('file').addEventListener('change', ({ target }) => told(() => chosen(target.files)))
  drop()
  document.addEventListener('paste', event => {
    const pasted = event.clipboardData
    if (pasted === null || event.target instanceof HTMLInputElement) return
    const text = pasted.getData('text/plain')
    if (pasted.files.length > 0) told(async () => await open(await texts(pasted.files)))
    else if (text !== '') told(async () => await open([{ name: 'What was pasted', text }]))
  })
  window.addEventListener('hashchange', () => told(hash))
  window.addEventListener('error', ({ error, message }) => fault(error ?? message))
  window.addEventListener('unhandledrejection', ({ reason }) => fault(reason))
}

function drop () {
  const dropping = on => document.body.classList.toggle('dropping', on)
  document.addEventListener('dragover', event => {
    event.preventDefault()
    dropping(true)
  })
  document.addEventListener('dragleave', event => { if (event.relatedTarget === null) dropping(false) })
  document.addEventListener('drop', event => {
    event.preventDefault()
    dropping(false)
    const files = event.dataTransfer?.files ?? []
    if (files.length > 0) told(async () => await open(await texts(files)))
  })
}

async function hash () {
  if (isReport(location.hash)) await open([{ name: 'The report in this link', text: await fromHash(location.hash) }])
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

wire()
context()
told(fill)
told(hash)
document.documentElement.dataset.ready = 'yes'
