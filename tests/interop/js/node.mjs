// What a serving and a dialing node have in common.
import { createHash } from 'node:crypto'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair, generateKeyPairFromSeed, privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import { ping } from '@libp2p/ping'
import { tls } from '@libp2p/tls'
import { createLibp2p } from 'libp2p'

/** js-libp2p can make ECDSA keys, but no peer ID of them. */
const keyTypes = { ed25519: 'Ed25519', rsa: 'RSA', secp256k1: 'secp256k1' }
const rsaBits = 2048
const securities = { noise: [noise], tls: [tls], both: [noise, tls] }

/** Protobuf head of a secp256k1 private key of 32 bytes: type 2, data of length 32. */
const secp256k1Head = Uint8Array.of(0x08, 0x02, 0x12, 0x20)

/** A bare node: no limits that could disturb a test and no traffic of its own. */
export async function createNode (values, { transports, services, addresses }) {
  if (values.muxer !== 'yamux') throw new Error(`--muxer ${values.muxer}: only yamux is known`)
  const security = securities[values.security]
  if (security == null) throw new Error(`--security ${values.security}: noise, tls or both`)
  return await createLibp2p({
    privateKey: await makeKey(values['key-type'], values.seed),
    nodeInfo: { userAgent: 'p2p-probe-interop-js' },
    addresses,
    transports,
    connectionEncrypters: security.map(encrypter => encrypter()),
    streamMuxers: [yamux()],
    connectionManager: {
      maxConnections: 10_000,
      inboundConnectionThreshold: 10_000,
      maxIncomingPendingConnections: 10_000
    },
    connectionMonitor: { enabled: false },
    // The stream of the last ping may still be closing when the next one opens.
    services: { ...services, ping: ping({ maxOutboundStreams: 100 }) }
  })
}

/** The same key for the same seed, and the same as the Go program's. */
async function makeKey (name, seed) {
  const type = keyTypes[name]
  if (type == null) throw new Error(`--key-type ${name}: ed25519, rsa or secp256k1`)
  if (seed == null) return await generateKeyPair(type, type === 'RSA' ? rsaBits : undefined)
  const secret = createHash('sha256').update(`p2p-probe interop ${seed}`).digest()
  if (type === 'Ed25519') return await generateKeyPairFromSeed(type, secret)
  if (type === 'secp256k1') return privateKeyFromProtobuf(Uint8Array.of(...secp256k1Head, ...secret))
  throw new Error(`--seed with --key-type ${name}: ed25519 or secp256k1`)
}

export function say (line) {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
