// webrtc-direct with the browser's own RTCPeerConnection: version 1, which rewrites ("munges") the local description, and
// version 2, which does not (libp2p specs, webrtc/webrtc-direct.md).
import { concat, equal, fromBase64url, utf8 } from './bytes.js'
import { Stream } from './channel.js'
import { respond } from './noise.js'

const connectWithin = 20_000

/** Dials, proves who is there, pings on one stream; tells the peer and the time of each ping in milliseconds. */
export async function dial (address, { version, pings, interval }) {
  const target = parse(address)
  const connection = new RTCPeerConnection()
  try {
    const handshake = new Stream(connection.createDataChannel('', { negotiated: true, id: 0 }))
    await describe(connection, target, version)
    await within(handshake.opened(), connectWithin, 'no connection')
    const ours = fingerprint(connection.localDescription.sdp)
    const peer = await respond({ ...messages(handshake), prologue: prologue(ours, target.fingerprint) })
    if (peer !== target.peer) throw new Error(`dialed ${target.peer}, met ${peer}`)
    const times = await ping(connection, pings, interval)
    return { peer, pings: times, agent: navigator.userAgent }
  } finally {
    connection.close()
  }
}

function parse (address) {
  const [, ip, host, , port, , , certhash, , peer] = address.split('/')
  const multihash = fromBase64url(certhash.slice(1))
  if (multihash[0] !== 0x12 || multihash[1] !== 0x20) throw new Error('not a SHA-256 certhash')
  return { family: ip === 'ip4' ? 'IP4' : 'IP6', host, port, peer, fingerprint: multihash.slice(2) }
}

async function describe (connection, target, version) {
  const offer = await connection.createOffer()
  let ufrag
  if (version === 1) {
    ufrag = `libp2p+webrtc+v1/${token()}`
    const sdp = offer.sdp.replace(/^a=ice-ufrag:.*$/m, `a=ice-ufrag:${ufrag}`).replace(/^a=ice-pwd:.*$/m, `a=ice-pwd:${ufrag}`)
    await connection.setLocalDescription({ type: 'offer', sdp })
  } else {
    await connection.setLocalDescription(offer)
    ufrag = `libp2p+webrtc+v2/${/^a=ice-pwd:(.*?)\r?$/m.exec(offer.sdp)[1]}`
  }
  await connection.setRemoteDescription({ type: 'answer', sdp: answer(target, ufrag) })
}

/** What the listener would say of itself, if it were asked. */
function answer ({ family, host, port, fingerprint }, ufrag) {
  return [
    'v=0',
    `o=- 0 0 IN ${family} ${host}`,
    's=-',
    't=0 0',
    `m=application ${port} UDP/DTLS/SCTP webrtc-datachannel`,
    `c=IN ${family} ${host}`,
    'a=mid:0',
    'a=ice-options:ice2',
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${ufrag}`,
    `a=fingerprint:sha-256 ${Array.from(fingerprint, byte => byte.toString(16).padStart(2, '0')).join(':').toUpperCase()}`,
    'a=setup:passive',
    'a=sctp-port:5000',
    'a=max-message-size:16384',
    `a=candidate:1 1 UDP 1 ${host} ${port} typ host`,
    'a=end-of-candidates',
    ''
  ].join('\r\n')
}

function token () {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')
}

function fingerprint (sdp) {
  const [, hex] = /^a=fingerprint:sha-256 (\S+)/m.exec(sdp)
  return Uint8Array.from(hex.split(':'), byte => parseInt(byte, 16))
}

function prologue (dialer, listener) {
  const multihash = Uint8Array.of(0x12, 0x20)
  return concat(utf8('libp2p-webrtc-noise:'), multihash, dialer, multihash, listener)
}

/** The messages of Noise, each behind its length. */
function messages (stream) {
  return {
    async read () {
      const [high, low] = await stream.read(2)
      return await stream.read(high << 8 | low)
    },
    write (message) { stream.write(concat(Uint8Array.of(message.length >> 8, message.length & 0xff), message)) }
  }
}

async function ping (connection, count, interval) {
  const stream = new Stream(connection.createDataChannel(''))
  await stream.opened()
  await stream.select('/ipfs/ping/1.0.0')
  const times = []
  for (let number = 0; number < count; number++) {
    if (number > 0) await new Promise(resolve => setTimeout(resolve, interval))
    const payload = crypto.getRandomValues(new Uint8Array(32))
    const begin = performance.now()
    stream.write(payload)
    if (!equal(await stream.read(32), payload)) throw new Error('another pong than the ping')
    times.push(performance.now() - begin)
  }
  stream.finish()
  return times
}

function within (promise, limit, message) {
  let timer
  const late = new Promise((resolve, reject) => { timer = setTimeout(() => reject(new Error(message)), limit) })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
