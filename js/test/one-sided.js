// A peer that sends and never reads, in a process of its own: memory is measured.
// `node --expose-gc one-sided.js tcp|package|platform dial|listen BYTES CHUNK` prints what arrived, the most memory that was held, how much the
// driver could write before it had to wait, and how reading and that write ended when the peer was gone.
import { held, pair, staysOpen } from './helpers.js'

const [kind, role, ...numbers] = process.argv.slice(2)
const [bytes, size] = numbers.map(Number)
/** More than every buffer on the way holds. */
const WRITE_LIMIT = 256 * 1024 * 1024
/** How often memory is looked at: each look collects garbage. */
const LOOKS = 32
const test = { after () {} }
const memory = () => held() + process.memoryUsage().heapUsed

const { connection, socket } = await pair(test, kind, role)
const { send, destroy } = kind === 'tcp' ? tcp() : ws()
socket.pause()
const before = memory()
let most = 0
const [{ written, room }, received] = await Promise.all([fill(), readAll(), pump()])
const waited = await staysOpen(room)
const end = connection.read.next().value
destroy()
const [reading, writing] = (await Promise.allSettled([end, room])).map(({ status, value, reason }) => reason?.code ?? value ?? status)
connection.close()
process.stdout.write(JSON.stringify({ received, most, written, waited, reading, writing }), () => process.exit())

/** Sends all of it, as fast as it is taken. */
async function pump () {
  const chunk = Buffer.alloc(size, 7)
  for (let left = bytes; left > 0; left -= size) await send(chunk)
}

/** Reads all that the peer sends. */
async function readAll () {
  let received = 0
  for (let look = bytes / LOOKS; received < bytes;) {
    const chunk = await connection.read.next().value
    if (chunk === null) break
    received += chunk.byteLength
    if (received < look) continue
    most = Math.max(most, memory() - before)
    look += bytes / LOOKS
  }
  return received
}

/** Writes until there is no room. */
async function fill () {
  const chunk = new Uint8Array(64 * 1024)
  for (let written = chunk.length; written <= WRITE_LIMIT; written += chunk.length) {
    const room = connection.write(chunk)
    if (await staysOpen(room)) return { written, room }
  }
  throw new Error('the peer reads')
}

function tcp () {
  return {
    send: chunk => socket.write(chunk) ? undefined : new Promise(resolve => socket.once('drain', resolve)),
    destroy: () => socket.resetAndDestroy()
  }
}

function ws () {
  return {
    send: chunk => new Promise(resolve => {
      if (socket.bufferedAmount < 1024 * 1024) resolve(socket.send(chunk))
      else socket.send(chunk, resolve)
    }),
    destroy: () => socket._socket.resetAndDestroy()
  }
}
