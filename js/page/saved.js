/**
 * Saved reports on their way in and out: files, pasted text, links, the clipboard.
 *
 * @module
 */

/** The largest report that is read, in bytes, as in the terminal. */
export const LARGEST = 8 << 20

/** What a link to a report begins with, after its page's address. */
const LINK = '#r='

/** A sentence for the user. */
export class Unreadable extends Error {
  /** @param {string} sentence */
  constructor (sentence) {
    super(sentence)
    this.name = 'Unreadable'
  }
}

/** @param {Blob & { name?: string }} file @returns {Promise<string>} */
export async function read (file) {
  if (file.size > LARGEST) throw new Unreadable(`${file.name ?? 'This'} is larger than ${LARGEST >> 20} MiB, and no report is.`)
  return await file.text()
}

/** @param {string} json @param {string} page the address of the page @returns {Promise<string>} */
export async function link (json, page) {
  const packed = await through(new TextEncoder().encode(json), new CompressionStream('deflate-raw'))
  return page.split('#')[0] + LINK + toBase64(packed)
}

/** Whether the part after # is a report. @param {string} hash */
export function isReport (hash) {
  return hash.startsWith(LINK) || hash.startsWith('#{') || hash.startsWith('#%7B')
}

/** The report in the part after #: as `link` makes it, or JSON as it is. @param {string} hash @returns {Promise<string>} */
export async function fromHash (hash) {
  try {
    if (!hash.startsWith(LINK)) return decodeURIComponent(hash.slice(1))
    const bytes = await through(fromBase64(hash.slice(LINK.length)), new DecompressionStream('deflate-raw'))
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (error instanceof Unreadable) throw error
    throw new Unreadable('The report in this link is damaged: it was probably cut where it was copied.')
  }
}

/** What to call the file of a report. @param {{ started?: string, tool?: { runtime?: string } }} report */
export function fileName ({ started = '', tool = {} }) {
  const when = started.replace(/\.\d+Z$/, '').replace(/[^0-9T]/g, '')
  return `p2p-probe-${tool.runtime ?? 'report'}-${when || 'report'}.json`
}

/** @param {string} text @returns {Promise<void>} */
export async function copy (text) {
  if (navigator.clipboard !== undefined) return await navigator.clipboard.writeText(text)
  // Over plain HTTP there is only the old way.
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'hidden'
  document.body.append(area)
  area.select()
  const copied = document.execCommand('copy')
  area.remove()
  if (!copied) throw new Unreadable('This browser does not let the page copy; use Download.')
}

/** @param {string} name @param {string} text @param {string} type */
export function download (name, text, type = 'application/json') {
  const url = URL.createObjectURL(new Blob([text], { type }))
  const anchor = Object.assign(document.createElement('a'), { href: url, download: name })
  anchor.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

/**
 * Bytes through a stream, to no more than a report may have: a link of a few bytes can unpack to gigabytes.
 *
 * @param {Uint8Array} bytes @param {CompressionStream | DecompressionStream} transform @returns {Promise<Uint8Array>}
 */
async function through (bytes, transform) {
  const chunks = []
  let size = 0
  const reader = new Blob([bytes]).stream().pipeThrough(transform).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    size += value.length
    if (size > LARGEST) {
      await reader.cancel()
      throw new Unreadable(`The report in this link is larger than ${LARGEST >> 20} MiB.`)
    }
    chunks.push(value)
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer())
}

/** @param {Uint8Array} bytes */
function toBase64 (bytes) {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** @param {string} text */
function fromBase64 (text) {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), character => character.charCodeAt(0))
}
