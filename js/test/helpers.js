// What several tests need.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import net from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { WebSocketServer } from 'ws'
import * as ws from 'ws'
import { createTransport, websocketTransport } from '../index.js'

export const MIB = 1024 * 1024

/** The WebSocket classes of this Node: the package's (undefined: what the transport finds), and the platform's from 22 on. */
export const sockets = [['package', undefined], ['platform', globalThis.WebSocket]]
  .filter(([name, socket]) => name === 'package' || socket !== undefined)
export const PackageSocket = ws.WebSocket

/** Those that cannot stop reading: the platform's, and the package's where it could not. */
export const unstoppable = [
  ['package without a pause', class extends ws.WebSocket { get pause () { return undefined } }],
  ...sockets.filter(([name]) => name === 'platform')
]

/** A TCP server on loopback, closed when the test ends. Returns its address and a function that gives the next socket. */
export async function tcpPeer (t, options = {}) {
  const server = net.createServer({ allowHalfOpen: true, ...options })
  const sockets = []
  const next = queue()
  server.on('connection', socket => {
    socket.on('error', () => {})
    sockets.push(socket)
    next.push(socket)
  })
  server.listen(0, options.host ?? '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { address: `/ip4/127.0.0.1/tcp/${server.address().port}`, port: server.address().port, next: next.shift }
}

/** A WebSocket server on loopback, likewise. */
export async function wsPeer (t, { path, handle } = {}) {
  const http = createServer((request, response) => { response.writeHead(404).end() })
  const server = new WebSocketServer({ server: http, path, perMessageDeflate: false })
  const next = queue()
  server.on('connection', (socket, request) => {
    socket.on('error', () => {})
    handle?.(socket, request)
    next.push(socket)
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.after(() => {
    for (const client of server.clients) client.terminate()
    http.close()
    http.closeAllConnections()
  })
  const { port } = http.address()
  return { address: `/ip4/127.0.0.1/tcp/${port}/ws`, port, next: next.shift }
}

/**
 * A connection of this package and the socket at its other end, `net`'s or that of `ws`. `kind` is `tcp`, `package` or `platform`;
 * by `role` the connection was dialed, or came to a listener of this package.
 */
export async function pair (t, kind, role) {
  const transport = kind === 'platform' ? websocketTransport({ WebSocket: globalThis.WebSocket }) : createTransport()
  if (role === 'dial') {
    const peer = await (kind === 'tcp' ? tcpPeer : wsPeer)(t)
    const connection = await transport.dial(peer.address)
    return { connection, socket: await peer.next() }
  }
  const events = transport.listen_on(`/ip4/127.0.0.1/tcp/0${kind === 'tcp' ? '' : '/ws'}`)
  t.after(() => events.return())
  const { new_addrs: [address] } = await events.next().value
  const port = Number(address.split('/')[4])
  const next = events.next().value
  const socket = kind === 'tcp'
    ? net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    : new ws.WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false })
  socket.on('error', () => {})
  t.after(() => { if (kind === 'tcp') socket.destroy(); else socket.terminate() })
  if (kind !== 'tcp') await once(socket, 'open')
  const { new_connections: [{ connection }] } = await next
  return { connection, socket }
}

/** The roles that a connection of each kind can have: what the platform brings listens to nobody. */
export const roles = [['tcp', 'dial'], ['tcp', 'listen'], ...sockets.map(([kind]) => [kind, 'dial']), ['package', 'listen']]

/** What comes later, for whoever asks first. */
function queue () {
  const items = []
  const askers = []
  return {
    push (item) {
      const asker = askers.shift()
      if (asker === undefined) items.push(item)
      else asker(item)
    },
    shift: () => items.length > 0 ? Promise.resolve(items.shift()) : new Promise(resolve => askers.push(resolve))
  }
}

/** The next bytes of a connection: a Buffer, null at the end. */
export async function read (connection) {
  const bytes = await connection.read.next().value
  return bytes === null ? null : Buffer.from(bytes)
}

/** All bytes until the end. */
export async function readAll (connection) {
  const chunks = []
  for await (const bytes of connection.read) {
    if (bytes === null) break
    chunks.push(Buffer.from(bytes))
  }
  return Buffer.concat(chunks)
}

/** How many bytes come until the end. */
export async function count (connection) {
  let bytes = 0
  for await (const chunk of connection.read) {
    if (chunk === null) break
    bytes += chunk.byteLength
  }
  return bytes
}

/**
 * Whether a promise stays open while the event loop turns many times: long enough for anything that is on its way on
 * loopback, and no clock in it.
 */
export async function staysOpen (promise, turns = 300) {
  let open = true
  promise.then(() => { open = false }, () => { open = false })
  for (let turn = 0; open && turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
  return open
}

/** The bytes that buffers hold now, in all of this process. */
export function held () {
  globalThis.gc?.()
  return process.memoryUsage().arrayBuffers
}

/** Writes until the transport says to wait; returns the bytes accepted and the promise of room. */
export async function fill (connection, limit, chunk = new Uint8Array(64 * 1024)) {
  let accepted = 0
  while (accepted < limit) {
    const room = connection.write(chunk)
    accepted += chunk.byteLength
    if (await staysOpen(room)) return { accepted, room }
  }
  throw new Error(`${accepted} bytes were taken without a wait`)
}

/** What small-writes.js finds. */
export const smallWrites = (kind, role) => found('small-writes.js', kind, role)

/** What one-sided.js finds. */
export const oneSided = (kind, role, bytes, chunk) => found('one-sided.js', kind, role, bytes, chunk)

async function found (name, ...words) {
  const script = fileURLToPath(new URL(name, import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, ...words])
  return JSON.parse(stdout)
}
