/**
 * Reads a multiaddr as far as these transports need it.
 *
 * @module
 */

import { TransportError } from './errors.js'

/**
 * What an address asks for.
 *
 * @typedef {object} Route
 * @property {'tcp' | 'websocket'} transport
 * @property {string} host a name or an IP address, an IPv6 one with its zone (`fe80::1%eth0`)
 * @property {boolean} literal whether it is an IP address
 * @property {0 | 4 | 6} family of its addresses; 0: either
 * @property {number} port
 * @property {boolean} secure WebSocket over TLS
 * @property {string | null} sni the name to ask for in TLS where it is not the host
 * @property {string} path of the WebSocket's URL
 */

/** Families by the protocol that an address begins with. */
const FAMILIES = new Map(/** @type {[string, 0 | 4 | 6][]} */ ([['ip4', 4], ['ip6', 6], ['dns4', 4], ['dns6', 6], ['dns', 0]]))

const IP4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/
const PEER = /^[a-zA-Z0-9]{1,128}$/
const ZONE = /^[\w.-]{1,64}$/
/** No character that means something in a URL; beyond ASCII whatever may belong to a script. RFC 1035 allows 253 octets. */
const NAME = /^(?:[\w.-]|[^\0-\x7f\s\p{C}]){1,253}$/u

/**
 * @param {string} address
 * @returns {Route}
 * @throws {TransportError} `unsupported-address`
 */
export function parse (address) {
  // Who calls may be JavaScript without types.
  if (typeof address !== 'string') throw unsupported(String(address), 'a multiaddr is text')
  const parts = address.split('/')
  if (parts.shift() !== '') throw unsupported(address, 'a multiaddr begins with /')
  if (parts.includes('')) throw unsupported(address, 'a part is empty')
  const zone = parts[0] === 'ip6zone' ? parts.splice(0, 2)[1] ?? '' : null
  const [protocol = '', host = '', transport, port = '', ...rest] = parts
  const family = FAMILIES.get(protocol)
  if (family === undefined) throw unsupported(address, `/${protocol} is not ip4, ip6, dns, dns4 or dns6`)
  if (!isHost(protocol, host)) throw unsupported(address, `${host} is not what /${protocol} takes`)
  if (zone !== null && (protocol !== 'ip6' || !ZONE.test(zone))) throw unsupported(address, `/ip6zone/${zone} does not fit`)
  if (transport !== 'tcp') throw unsupported(address, `/${transport ?? ''} is not tcp`)
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65535) throw unsupported(address, `${port} is not a port`)
  return {
    host: zone === null ? host : `${host}%${zone}`,
    literal: protocol.startsWith('ip'),
    family,
    port: Number(port),
    ...layers(address, withoutPeer(rest))
  }
}

/**
 * @param {string} protocol
 * @param {string} host
 */
function isHost (protocol, host) {
  if (protocol === 'ip4') return IP4.test(host)
  if (protocol === 'ip6') return isIp6(host)
  return NAME.test(host)
}

/** @param {string} host */
function isIp6 (host) {
  if (!/^[\da-fA-F:.]{2,45}$/.test(host)) return false
  try {
    return new URL(`http://[${host}]`).hostname !== ''
  } catch {
    return false
  }
}

/** @param {string[]} rest */
function withoutPeer (rest) {
  const [name = '', peer = ''] = rest.slice(-2)
  return rest.length >= 2 && (name === 'p2p' || name === 'ipfs') && PEER.test(peer) ? rest.slice(0, -2) : rest
}

/**
 * What stands on TCP.
 *
 * @param {string} address
 * @param {string[]} rest
 * @returns {Pick<Route, 'transport' | 'secure' | 'sni' | 'path'>}
 */
function layers (address, rest) {
  const websocket = { transport: /** @type {const} */ ('websocket'), sni: null, path: '/' }
  switch (rest.map((part, index) => isValue(rest, index) ? '*' : part).join('/')) {
    case '': return { transport: 'tcp', secure: false, sni: null, path: '' }
    case 'ws': return { ...websocket, secure: false }
    case 'wss':
    case 'tls/ws': return { ...websocket, secure: true }
    case 'tls/x-parity-ws/*': return { ...websocket, secure: true, path: path(address, rest[2] ?? '') }
    case 'tls/sni/*/ws': return { ...websocket, secure: true, sni: name(address, rest[2] ?? '') }
    case 'tls/sni/*/x-parity-ws/*':
      return { ...websocket, secure: true, sni: name(address, rest[2] ?? ''), path: path(address, rest[4] ?? '') }
    // How Rust writes a WebSocket with a path.
    case 'x-parity-ws/*': return { ...websocket, secure: false, path: path(address, rest[1] ?? '') }
    case 'x-parity-wss/*': return { ...websocket, secure: true, path: path(address, rest[1] ?? '') }
    default: throw unsupported(address, `/${rest.join('/')} over TCP is neither a WebSocket nor a peer ID`)
  }
}

/**
 * @param {string[]} rest
 * @param {number} index
 */
function isValue (rest, index) {
  return ['sni', 'x-parity-ws', 'x-parity-wss'].includes(rest[index - 1] ?? '')
}

/**
 * @param {string} address
 * @param {string} sni
 */
function name (address, sni) {
  if (!NAME.test(sni)) throw unsupported(address, `${sni} is not a name`)
  return sni
}

/**
 * @param {string} address
 * @param {string} encoded
 */
function path (address, encoded) {
  try {
    const decoded = decodeURIComponent(encoded)
    if (/^\/[^#\s]*$/.test(decoded)) return decoded
  } catch { /* not percent-encoded */ }
  throw unsupported(address, `${encoded} is not a path`)
}

/**
 * @param {string} address
 * @param {string} why
 */
function unsupported (address, why) {
  return new TransportError('unsupported-address', `${address} cannot be used here: ${why}`)
}

/**
 * The route, if it is one over this transport.
 *
 * @param {string} address
 * @param {Route['transport']} transport
 */
export function parseFor (address, transport) {
  const route = parse(address)
  if (route.transport !== transport) throw unsupported(address, `it is a ${route.transport} address, not a ${transport} one`)
  return route
}

/**
 * The URL of a WebSocket address. A page cannot ask one IP address for another's name, so where the address has an `/sni`
 * the name is dialed, and DNS decides where it leads, unless the platform can be told (websocket.js). A zone has no place in it
 * (WHATWG URL, section 3.5).
 *
 * @param {Route} route
 * @param {string} [name] that the address stands for
 */
export function url ({ host, literal, family, port, secure, sni, path }, name) {
  const place = sni ?? name ?? (literal && family === 6 ? `[${host.replace(/%.*/, '')}]` : host)
  return `${secure ? 'wss' : 'ws'}://${place}:${port}${path}`
}

/**
 * A TCP end as a multiaddr.
 *
 * @param {string} ip as Node writes it, an IPv6 address perhaps with its zone
 * @param {number} port
 */
export function tcpAddress (ip, port) {
  const [address = '', zone] = ip.split('%')
  if (!address.includes(':')) return `/ip4/${address}/tcp/${port}`
  return `${zone === undefined ? '' : `/ip6zone/${zone}`}/ip6/${address}/tcp/${port}`
}
