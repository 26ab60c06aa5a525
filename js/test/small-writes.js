// A million writes of one byte, in a process of its own: the hooks of the test runner make promises dear.
// `node --expose-gc small-writes.js tcp|package|platform dial|listen` prints what arrived and the most memory that was held.
import { once } from 'node:events'
import { held, pair } from './helpers.js'

const [kind, role] = process.argv.slice(2)
/** Fewer where they are slow in Node itself. */
const writes = kind === 'platform' ? 200_000 : 1_000_000
const test = { after () {} }
const memory = () => held() + process.memoryUsage().heapUsed

let received = 0
const { connection, socket } = await pair(test, kind, role)
socket.on(kind === 'tcp' ? 'data' : 'message', data => { received += data.length })
const ended = once(socket, kind === 'tcp' ? 'end' : 'close')
const before = memory()
let most = 0
const byte = new Uint8Array(1)
for (let written = 0; written < writes; written++) {
  await connection.write(byte)
  if (written % 50_000 === 0) most = Math.max(most, memory() - before)
}
connection.shutdown()
await ended
process.stdout.write(JSON.stringify({ writes, received, most }), () => process.exit())
