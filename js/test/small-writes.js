// A million writes of one byte, in a process of its own: the hooks of the test runner make promises dear.
// `node --expose-gc small-writes.js tcp|package|platform` prints what arrived and the most memory that was held.
import { once } from 'node:events'
import { createTransport, websocketTransport } from '../index.js'
import { held, tcpPeer, wsPeer } from './helpers.js'

const [kind] = process.argv.slice(2)
/** Fewer where they are slow in Node itself. */
const writes = kind === 'platform' ? 200_000 : 1_000_000
const test = { after () {} }
const memory = () => held() + process.memoryUsage().heapUsed

let received = 0
const { connection, ended } = await { tcp, package: ws, platform: ws }[kind]()
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

async function tcp () {
  const peer = await tcpPeer(test)
  const connection = await createTransport().dial(peer.address)
  const socket = await peer.next()
  socket.on('data', chunk => { received += chunk.length })
  return { connection, ended: once(socket, 'end') }
}

async function ws () {
  const peer = await wsPeer(test)
  const transport = websocketTransport(kind === 'platform' ? { WebSocket: globalThis.WebSocket } : {})
  const connection = await transport.dial(peer.address)
  const socket = await peer.next()
  socket.on('message', data => { received += data.length })
  return { connection, ended: once(socket, 'close') }
}
