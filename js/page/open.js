/**
 * Reports that are opened: files that are chosen or dropped, what is pasted, what a link holds.
 *
 * @module
 */

import { loaded } from './program.js'
import { closeComparison, compareWith, parse, showReport, shown } from './reports.js'
import { leave } from './run.js'
import { Unreadable, fromHash, isReport, read } from './saved.js'
import { element, fault, told } from './view.js'

/** How many reports are compared. */
const COMPARED = 2

/** Opens saved reports: one is shown, two are compared. @param {{ name: string, text: string }[]} texts */
async function open (texts) {
  fault()
  await loaded
  const [one, two] = texts.map(({ name, text }) => parse(text, name))
  if (one === undefined) return
  leave()
  closeComparison()
  showReport(one)
  if (two !== undefined) compareWith(two)
}

/** Opens files, as many as can be compared. @param {Iterable<File>} files */
async function openFiles (files, comparing = false) {
  const all = [...files]
  const texts = await Promise.all(all.slice(0, COMPARED).map(async file => ({ name: file.name, text: await read(file) })))
  if (comparing && texts.length === 1 && shown !== undefined) compare(texts[0])
  else await open(texts)
  const rest = all.slice(COMPARED)
  if (rest.length === 0) return
  const names = rest.length > 1 ? `${rest[0].name} and ${rest.length - 1} more were` : `${rest[0].name} was`
  throw new Unreadable(`${names} left out: two reports are compared at a time.`)
}

function compare ({ name, text }) {
  fault()
  compareWith(parse(text, name))
}

/** Whether the file that is chosen is to be compared with. */
let comparing = false

/** Lets the user choose files. @param {boolean} compare with what is shown */
export function choose (compare) {
  comparing = compare
  element('file').multiple = !compare
  element('file').value = ''
  element('file').click()
}

/** The report in the link that led here. */
export async function hash () {
  if (isReport(location.hash)) await open([{ name: 'The report in this link', text: await fromHash(location.hash) }])
}

/** Opens what comes by any of these ways. */
export function wireOpening () {
  element('file').addEventListener('change', ({ target }) => told(() => openFiles(target.files, comparing)))
  document.addEventListener('paste', event => {
    const pasted = event.clipboardData
    if (pasted === null || event.target instanceof HTMLInputElement) return
    const text = pasted.getData('text/plain')
    if (pasted.files.length > 0) told(() => openFiles(pasted.files))
    else if (text !== '') told(() => open([{ name: 'What was pasted', text }]))
  })
  window.addEventListener('hashchange', () => told(hash))
  wireDropping()
}

function wireDropping () {
  const dropping = on => document.body.classList.toggle('dropping', on)
  // Text may be dropped into the field.
  const isFiles = ({ dataTransfer }) => dataTransfer?.types.includes('Files')
  document.addEventListener('dragover', event => {
    if (!isFiles(event)) return
    event.preventDefault()
    dropping(true)
  })
  document.addEventListener('dragleave', event => { if (event.relatedTarget === null) dropping(false) })
  document.addEventListener('drop', event => {
    if (!isFiles(event)) return
    event.preventDefault()
    dropping(false)
    const { files } = event.dataTransfer
    if (files.length > 0) told(() => openFiles(files))
  })
}
