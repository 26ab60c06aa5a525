/**
 * Names in DNS, where the platform lets a program ask: in Node. A page cannot, its browser looks names up unseen.
 *
 * @module
 */

import { TransportError, quiet } from './errors.js'
import { hosts } from './hosts.js'
import { builtin } from './platform.js'

/**
 * Looks up the records of one type: addresses for `A` and `AAAA`, texts for `TXT`. No record of the type is an empty list;
 * a failure is a {@link TransportError} (`name-not-found`, `name-lookup-failed`, `timed-out`).
 *
 * @typedef {object} Names
 * @property {(name: string, type: 'A' | 'AAAA' | 'TXT') => Promise<string[]>} lookup
 * @property {() => void} cancel ends the look-ups that nobody waits for any more
 * @property {string} [server] the resolver that was named
 */

/** How long one server is waited for before it is asked again, in milliseconds, and how often. */
const WAIT = { timeout: 3000, tries: 3 }

/** Names of this very machine, which are asked of nobody (RFC 6761, section 6.3). */
const LOCALHOST = /(^|\.)localhost\.?$/i

/**
 * @param {object} [options]
 * @param {string} [options.server] the DNS server to ask, `ip:port`, instead of what the system knows and asks
 * @param {string} [options.hosts] another file than the system's `hosts`
 * @returns {Names | null} null in a page
 */
export function names ({ server, hosts: file } = {}) {
  const dns = builtin('node:dns')
  if (dns === null) return null
  const resolver = new dns.promises.Resolver(WAIT)
  if (server !== undefined) resolver.setServers([server])
  const known = server === undefined ? hosts(file) : async () => []

  /** @param {string} name @param {'A' | 'AAAA' | 'TXT'} type */
  const ask = async (name, type) => {
    if (type === 'TXT') return (await resolver.resolveTxt(name)).map(parts => parts.join(''))
    const family = type === 'A' ? 4 : 6
    const own = await known(name, family)
    if (own.length > 0) return own
    if (LOCALHOST.test(name)) return [family === 4 ? '127.0.0.1' : '::1']
    // One without a dot belongs to the network around, in which the system knows other ways than DNS to look.
    const local = server === undefined && !name.includes('.')
    if (!local) return family === 4 ? await resolver.resolve4(name) : await resolver.resolve6(name)
    const found = await dns.promises.lookup(name, { all: true, family })
    return found.map(({ address }) => address)
  }
  return {
    server,
    cancel: () => resolver.cancel(),
    lookup: (name, type) => quiet(ask(name, type).catch(error => {
      if (error.code === 'ENODATA') return []
      throw typed(error)
    }))
  }
}

/** What c-ares says, as the response codes of RFC 1035. @type {Record<string, string>} */
const RCODES = { ESERVFAIL: 'SERVFAIL', EFORMERR: 'FORMERR', ENOTIMP: 'NOTIMP', EREFUSED: 'REFUSED' }

/** @param {NodeJS.ErrnoException} error */
function typed (error) {
  const { code = '', message } = error
  const details = { system: code, cause: error }
  if (code === 'ENOTFOUND') return new TransportError('name-not-found', message, details)
  if (code === 'ETIMEOUT') return new TransportError('timed-out', message, details)
  return new TransportError('name-lookup-failed', message, { ...details, rcode: RCODES[code] })
}
