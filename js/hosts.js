/**
 * The names that this machine knows by itself, as the file `hosts` of its system tells them. What asks DNS does not read it.
 *
 * @module
 */

import { builtin } from './platform.js'

/** The most that is read of the file, in bytes: lists that block advertising by it have some megabytes. */
export const HOSTS_LIMIT = 16 * 1024 * 1024

/**
 * Reads the file once, when it is first asked.
 *
 * @param {string} [file] another one than the system's
 * @returns {(name: string, family: 4 | 6) => Promise<string[]>} the addresses of a name, in the order of the file; none where
 *   there is no file that can be read
 */
export function hosts (file = path()) {
  /** @type {Promise<string[]> | undefined} */
  let lines
  return async (name, family) => {
    lines ??= read(file)
    const wanted = bare(name)
    return (await lines).filter(line => line.includes(wanted)).flatMap(line => {
      const [address = '', ...names] = line.split(/\s+/)
      return names.some(name => bare(name) === wanted) && familyOf(address) === family ? [address] : []
    })
  }
}

/** Where systems have it. */
function path () {
  const { platform, env } = globalThis.process
  return platform === 'win32' ? `${env.SystemRoot}\\System32\\drivers\\etc\\hosts` : '/etc/hosts'
}

/** @param {string} name */
function bare (name) {
  return name.replace(/\.$/, '').toLowerCase()
}

/** One with a zone is not an address that a look-up gives. @param {string} address */
function familyOf (address) {
  return address.includes('%') ? 0 : builtin('node:net')?.isIP(address)
}

/**
 * Its lines, without comments.
 *
 * @param {string} file
 */
async function read (file) {
  let text = ''
  try {
    const stream = builtin('node:fs')?.createReadStream(file, { encoding: 'utf8', end: HOSTS_LIMIT - 1 })
    for await (const part of stream ?? []) text += part
  } catch { /* then this machine knows no name by itself */ }
  return text.replace(/^\ufeff/, '').toLowerCase().split('\n').map(line => line.replace(/#.*/s, '').trim())
}
