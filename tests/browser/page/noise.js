// The responder of a libp2p Noise handshake: Noise_XX_25519_ChaChaPoly_SHA256 with the payload of libp2p
// (libp2p specs, noise/README.md). In webrtc-direct it is the dialer who responds.
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesField, concat, equal, readFields, toBase58, utf8 } from './bytes.js'

const name = utf8('Noise_XX_25519_ChaChaPoly_SHA256')
const signed = key => concat(utf8('noise-libp2p-static-key:'), key)
/** Protobuf head of an Ed25519 public key: type 1, data of length 32. */
const ed25519Head = Uint8Array.of(0x08, 0x01, 0x12, 0x20)
const empty = new Uint8Array()

/** Hash, chaining key and cipher of a handshake (Noise, section 5.2). */
class Symmetric {
  hash = name
  chaining = name
  key = null
  nonce = 0

  mixHash (data) { this.hash = sha256(concat(this.hash, data)) }

  mixKey (secret) {
    const temporary = hmac(sha256, this.chaining, secret)
    this.chaining = hmac(sha256, temporary, Uint8Array.of(1))
    this.key = hmac(sha256, temporary, concat(this.chaining, Uint8Array.of(2)))
    this.nonce = 0
  }

  cipher () {
    const nonce = new Uint8Array(12)
    new DataView(nonce.buffer).setUint32(4, this.nonce++, true)
    return chacha20poly1305(this.key, nonce, this.hash)
  }

  encrypt (plain) {
    const sealed = this.key == null ? plain : this.cipher().encrypt(plain)
    this.mixHash(sealed)
    return sealed
  }

  decrypt (sealed) {
    const plain = this.key == null ? sealed : this.cipher().decrypt(sealed)
    this.mixHash(sealed)
    return plain
  }
}

/** Handshakes over `read()` and `write(message)`, which carry whole messages; gives the peer ID of the other side. */
export async function respond ({ read, write, prologue }) {
  const state = new Symmetric()
  state.mixHash(prologue)
  const [ephemeral, fixed, identity] = [x25519.keygen(), x25519.keygen(), ed25519.keygen()]

  const first = await read()
  const theirEphemeral = first.slice(0, 32)
  state.mixHash(theirEphemeral)
  state.decrypt(first.slice(32))

  state.mixHash(ephemeral.publicKey)
  state.mixKey(x25519.getSharedSecret(ephemeral.secretKey, theirEphemeral))
  const ourFixed = state.encrypt(fixed.publicKey)
  state.mixKey(x25519.getSharedSecret(fixed.secretKey, theirEphemeral))
  const payload = concat(
    bytesField(1, concat(ed25519Head, identity.publicKey)),
    bytesField(2, ed25519.sign(signed(fixed.publicKey), identity.secretKey))
  )
  write(concat(ephemeral.publicKey, ourFixed, state.encrypt(payload)))

  const last = await read()
  const theirFixed = state.decrypt(last.slice(0, 48))
  state.mixKey(x25519.getSharedSecret(ephemeral.secretKey, theirFixed))
  return verified(readFields(state.decrypt(last.slice(48))), theirFixed)
}

/** Whose payload it is. */
function verified (payload, fixed) {
  const key = payload[1] ?? empty
  if (!equal(key.slice(0, 4), ed25519Head)) throw new Error('not an Ed25519 key')
  if (!ed25519.verify(payload[2] ?? empty, signed(fixed), key.slice(4))) throw new Error('a wrong signature')
  // A short key is its own hash: the multihash "identity".
  return toBase58(concat(Uint8Array.of(0x00, key.length), key))
}
