// Bytes in the forms that libp2p writes them in.

export const utf8 = text => new TextEncoder().encode(text)

export function concat (...parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

export const equal = (a, b) => a.length === b.length && a.every((byte, index) => byte === b[index])

/** An unsigned varint. */
export function varint (number) {
  const bytes = []
  for (; number > 0x7f; number >>>= 7) bytes.push((number & 0x7f) | 0x80)
  return Uint8Array.of(...bytes, number)
}

/** An unsigned varint at a place: its value and where it ends; null where it is cut off. */
export function readVarint (bytes, at = 0) {
  let value = 0
  for (let shift = 0; shift < 28; shift += 7) {
    if (at >= bytes.length) return null
    value |= (bytes[at] & 0x7f) << shift
    if (bytes[at++] < 0x80) return { value, end: at }
  }
  throw new Error('a varint that is too long')
}

/** The fields of a protobuf message by number: varints and byte strings are all that libp2p needs here. */
export function readFields (bytes) {
  const fields = {}
  for (let at = 0; at < bytes.length;) {
    const tag = readVarint(bytes, at)
    const first = readVarint(bytes, tag.end)
    const isBytes = (tag.value & 7) === 2
    at = isBytes ? first.end + first.value : first.end
    fields[tag.value >> 3] = isBytes ? bytes.slice(first.end, at) : first.value
  }
  return fields
}

/** A field of bytes. */
export const bytesField = (number, bytes) => concat(varint(number << 3 | 2), varint(bytes.length), bytes)

/** Bytes of unpadded base64url. */
export function fromBase64url (text) {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), character => character.charCodeAt(0))
}

const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** Bytes as base58, as peer IDs are written. */
export function toBase58 (bytes) {
  let number = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
  let text = ''
  for (; number > 0n; number /= 58n) text = alphabet[number % 58n] + text
  return '1'.repeat(bytes.findIndex(byte => byte !== 0)) + text
}
