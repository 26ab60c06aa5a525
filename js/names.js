/**
 * Names in DNS, where the platform lets a program ask: in Node. A page cannot, its browser looks names up unseen.
 *
 * @module
 */

import { TransportError, quiet } from './errors.js'
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

/** Names that belong to a machine and not to DNS have no dot or end with this. */
const LOCALHOST = /(^|\.)localhost\.?$/i

/**
 * @param {object} [options]
 * @param {string} [options.server] the DNS server to ask, `ip:port`, instead of the system's
 * @returns {Names | null} null in a page
 */
export function names ({ server } = {}) {
  const dns = builtin('node:dns')
  if (dns === null) return null
  const resolver = new dns.promises.Resolver(WAIT)
  if (server !== undefined) resolver.setServers([server])

  /** @param {string} name @param {'A' | 'AAAA' | 'TXT'} type */
  const ask = async (name, type) => {
    if (type === 'TXT') return (await resolver.resolveTxt(name)).map(parts => parts.join(''))
    const local = server === undefined && (LOCALHOST.test(name) || !name.includes('.'))
    if (!local) return type === 'A' ? await resolver.resolve4(name) : await resolver.resolve6(name)
    const found = await dns.promises.lookup(name, { all: true, family: type === 'A' ? 4 : 6 })
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
