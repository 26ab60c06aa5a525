/**
 * The listener that served this page: its addresses, and what it saw of the dials of this visit.
 *
 * @module
 */

/** How long the listener is heard after the run, in milliseconds: of the end of a dial it hears by a packet. */
const AFTER = 400

/** How many peer IDs a listener is asked for at once: it takes no more. */
const PEERS = 64

/** @typedef {{ version: string, addresses: string[] }} Own */

/** What the listener tells of itself; null where the page lies on another host. @returns {Promise<Own | null>} */
export async function own () {
  try {
    const answer = await fetch('listener', { cache: 'no-store' })
    const type = answer.headers.get('content-type') ?? ''
    return answer.ok && type.startsWith('application/json') ? await answer.json() : null
  } catch {
    return null
  }
}

/**
 * The address to begin with: at the host that this page came from, over the transport that the page can surely use.
 *
 * @param {string[]} addresses @param {{ protocol: string, hostname: string }} page
 */
export function first (addresses, { protocol, hostname }) {
  const host = hostname.replace(/^\[|\]$/g, '')
  const secure = /\/(wss|tls(\/sni\/[^/]+)?\/ws)(\/|$)/
  const order = protocol === 'https:' ? [secure, /\/webrtc-direct\//, /\/ws(\/|$)/] : [/\/tcp\/\d+\/ws(\/|$)/, secure, /\/webrtc-direct\//]
  const rank = (/** @type {string} */ address) => {
    const transport = order.findIndex(pattern => pattern.test(address))
    const here = address.split('/')[2] === host ? 0 : 10
    return (transport < 0 ? 100 : transport) + here
  }
  return [...addresses].sort((a, b) => rank(a) - rank(b))[0] ?? ''
}

/**
 * What the listener sees of dials, by the peer ID of each: it is a fresh one, which only this page knows. So it may be asked about
 * any run, and no address has to be recognised as the listener's.
 */
export class OtherEnd {
  /** @param {(attempt: object) => void} onAttempt */
  constructor (onAttempt) {
    this.onAttempt = onAttempt
    /** @type {Set<string>} */
    this.peers = new Set()
    /** @type {EventSource | undefined} */
    this.source = undefined
  }

  /** A line of the run: its end of `secure` names the peer ID. @param {any} event */
  heard (event) {
    const peer = event.event === 'stage-ended' ? event.found?.local_peer : undefined
    if (peer === undefined || this.peers.has(peer) || this.peers.size === PEERS) return
    this.peers.add(peer)
    // Several dials begin together: one question for all of them.
    clearTimeout(this.soon)
    this.soon = setTimeout(() => this.#ask(), 20)
  }

  #ask () {
    this.source?.close()
    this.source = new EventSource('listener/events?' + [...this.peers].map(peer => `peer=${peer}`).join('&'))
    this.source.onmessage = ({ data }) => {
      const attempt = JSON.parse(data)
      this.onAttempt(attempt)
    }
  }

  /** Waits for what is still under way, for a moment. @returns {Promise<void>} */
  async finish () {
    if (this.peers.size > 0) await new Promise(resolve => setTimeout(resolve, AFTER))
  }

  close () {
    clearTimeout(this.soon)
    this.source?.close()
  }
}
