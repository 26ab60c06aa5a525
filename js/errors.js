/**
 * What goes wrong, typed. The codes are those of `cause.code` in p2p-probe's reports wherever it has one.
 *
 * | Code | Meaning | Members |
 * |---|---|---|
 * | `unsupported-address` | not an address for these transports (thrown; name `NotSupportedError`) | |
 * | `not-in-this-runtime` | this runtime cannot do it: TCP in a page, listening in one (thrown; name `NotSupportedError`) | |
 * | `mixed-content` | a page over HTTPS may not open `ws:` | |
 * | `name-not-found` | DNS: no such name, or none with an address of the family asked for: Node does not tell them apart | `system` |
 * | `name-lookup-failed` | DNS: the look-up failed | `system`, `rcode` |
 * | `refused` | nothing listens there | `system`, `errno` |
 * | `unreachable` | no route | `what`: `host` or `network`; `system`, `errno` |
 * | `forbidden-locally` | this machine forbids it | `system`, `errno` |
 * | `local-fault` | this machine could not: no port, no buffer, not its address | `system`, `errno` |
 * | `timed-out` | the system gave up waiting | `system`, `errno` |
 * | `reset` | the peer reset the connection | `system`, `errno` |
 * | `closed` | the connection has ended: by the peer, in the middle of a WebSocket or with a close code that is no good-bye; or on this side, before the call | `closeCode`, `closeReason` |
 * | `tls-failed` | no TLS, or a certificate that is not accepted | `system`, for instance `CERT_HAS_EXPIRED`; `names` of one for others |
 * | `http-status` | HTTP answered with another status than 101 | `status`, `location`, `server` |
 * | `not-http` | what answers the upgrade is not HTTP | `system`, `received` |
 * | `websocket-failed` | the peer broke the WebSocket protocol, or sent text, which libp2p never does | `what` |
 * | `overrun` | more arrived than the driver read (contract.js) | |
 * | `interrupted` | aborted by the driver's signal (name `AbortError`) | |
 * | `opaque` | the platform hides the reason, as browsers do | `closeCode` |
 *
 * @module
 */

/**
 * @typedef {'unsupported-address' | 'not-in-this-runtime' | 'mixed-content' | 'name-not-found' | 'name-lookup-failed' | 'refused'
 *   | 'unreachable' | 'forbidden-locally' | 'local-fault' | 'timed-out' | 'reset' | 'closed' | 'tls-failed' | 'http-status'
 *   | 'not-http' | 'websocket-failed' | 'overrun' | 'interrupted' | 'opaque'} Code
 */

/**
 * @typedef {object} Details
 * @property {string} [system] the system's or the library's own code: `ECONNREFUSED`
 * @property {number} [errno] the system's error number, positive
 * @property {string} [rcode] the DNS response code, where a server answered
 * @property {Uint8Array} [received] what came instead of HTTP
 * @property {string} [server] the `Server` header of an HTTP answer
 * @property {string} [what] what is unreachable, or the rule that was broken
 * @property {number} [status] an HTTP status
 * @property {string[]} [names] the names that a certificate is for, where not for the one dialed
 * @property {string} [location] where an HTTP redirect leads
 * @property {number} [closeCode] the close code of a WebSocket
 * @property {string} [closeReason] the peer's words with it
 * @property {unknown} [cause] the error below
 */

/** @type {Partial<Record<Code, string>>} names that drivers look at */
const NAMES = {
  'unsupported-address': 'NotSupportedError',
  'not-in-this-runtime': 'NotSupportedError',
  interrupted: 'AbortError'
}

/** An Error of a closed set. */
export class TransportError extends Error {
  /**
   * @param {Code} code
   * @param {string} message a sentence for a reader; nothing is decided by it
   * @param {Details} [details]
   */
  constructor (code, message, { cause, ...details } = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = NAMES[code] ?? 'TransportError'
    /** @type {Code} */
    this.code = code
    /** @type {string | undefined} */
    this.system = details.system
    /** @type {number | undefined} */
    this.errno = details.errno
    /** @type {string | undefined} */
    this.rcode = details.rcode
    /** @type {Uint8Array | undefined} */
    this.received = details.received
    /** @type {string | undefined} */
    this.server = details.server
    /** @type {string | undefined} */
    this.what = details.what
    /** @type {number | undefined} */
    this.status = details.status
    /** @type {string[] | undefined} */
    this.names = details.names
    /** @type {string | undefined} */
    this.location = details.location
    /** @type {number | undefined} */
    this.closeCode = details.closeCode
    /** @type {string | undefined} */
    this.closeReason = details.closeReason
  }
}

/**
 * An error of Node, with what its layers add.
 *
 * @typedef {NodeJS.ErrnoException & { rawPacket?: Uint8Array, cert?: { subject?: { CN?: string }, subjectaltname?: string } }} SystemError
 */

/** What a system's error means, whenever it comes. @type {Record<string, [Code, string?]>} */
const SYSTEM = {
  ECONNREFUSED: ['refused'],
  ECONNRESET: ['reset'],
  EHOSTUNREACH: ['unreachable', 'host'],
  EHOSTDOWN: ['unreachable', 'host'],
  ENONET: ['unreachable', 'host'],
  ENOPROTOOPT: ['unreachable', 'host'],
  ENETUNREACH: ['unreachable', 'network'],
  ENETDOWN: ['unreachable', 'network'],
  EACCES: ['forbidden-locally'],
  EPERM: ['forbidden-locally'],
  ETIMEDOUT: ['timed-out'],
  EPIPE: ['closed'],
  ENOTCONN: ['closed'],
  ERR_STREAM_DESTROYED: ['closed'],
  ERR_STREAM_WRITE_AFTER_END: ['closed'],
  ENOTFOUND: ['name-not-found'],
  EPROTO: ['tls-failed'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['tls-failed']
}

/** OpenSSL's verdicts on certificates, as Node spells them. */
const CERTIFICATE = /CERT|_SIGNATURE$|_ISSUER|CRL/

/**
 * Types an error of Node.
 *
 * @param {unknown} error
 * @param {'connect' | 'stream'} phase
 * @returns {TransportError}
 */
export function fromSystem (error, phase) {
  if (error instanceof TransportError) return error
  // A name with several addresses fails with the errors of all: the first stands for them.
  const first = error instanceof AggregateError ? error.errors[0] : error
  const { code: name, errno, message, rawPacket: received, cert } = /** @type {SystemError} */ (first)
  // A platform's DOMException has a number there, which says nothing.
  const system = typeof name === 'string' ? name : undefined
  const details = { system, errno: typeof errno === 'number' ? Math.abs(errno) : undefined, cause: error }
  // Node's HTTP client says ECONNRESET, without a number, where the peer has closed in order before it answered.
  /** @type {[Code, string?]} */
  const [code, what] = system === 'ECONNRESET' && errno === undefined ? ['closed'] : meaning(system ?? '', phase)
  return new TransportError(code, message, { ...details, what, received, names: cert === undefined ? undefined : namesOf(cert) })
}

/**
 * @param {string} system
 * @param {'connect' | 'stream'} phase
 * @returns {[Code, string?]}
 */
function meaning (system, phase) {
  const known = SYSTEM[system]
  if (known !== undefined) return known
  if (system.startsWith('HPE_')) return ['not-http']
  // A connection that is being made is reset; one that stands was closed under this side.
  if (system === 'ECONNABORTED') return [phase === 'connect' ? 'reset' : 'closed']
  if (system.startsWith('EAI_') || system === 'ESERVFAIL') return ['name-lookup-failed']
  if (system.startsWith('ERR_SSL_') || CERTIFICATE.test(system)) return ['tls-failed']
  return ['local-fault']
}

/**
 * The names that a certificate is for: those of its extension, else its subject's.
 *
 * @param {{ subject?: { CN?: string }, subjectaltname?: string }} certificate
 */
function namesOf ({ subject, subjectaltname = '' }) {
  const names = [...subjectaltname.matchAll(/(?:DNS|IP Address):"?([^",]+)/g)].map(([, name = '']) => name)
  return names.length > 0 || subject?.CN === undefined ? names : [subject.CN]
}

/**
 * The error of a signal that was aborted.
 *
 * @param {AbortSignal} signal
 */
export function interrupted (signal) {
  return new TransportError('interrupted', 'aborted by the caller', { cause: signal.reason })
}

/** The error of a call to a connection that this side has ended. */
export function closedHere () {
  return new TransportError('closed', 'this side has closed the connection')
}

/**
 * The same promise. Whoever drops it need not hear of its failure.
 *
 * @template Value
 * @param {Promise<Value>} promise
 */
export function quiet (promise) {
  promise.catch(() => {})
  return promise
}
