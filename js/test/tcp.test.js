import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { test } from 'node:test'
import { tcpTransport } from '../tcp.js'
import { MIB, count, fill, held, read, readAll, staysOpen, tcpPeer } from './helpers.js'

const transport = tcpTransport()

async function pair (t) {
  const peer = await tcpPeer(t)
  const connection = await transport.dial(peer.address, false)
  t.after(() => connection.close())
  return { connection, socket: await peer.next() }
}

test('bytes go both ways and both ends are known', async t => {
  const { connection, socket } = await pair(t)
  assert.equal(connection.remote_addr, `/ip4/127.0.0.1/tcp/${socket.localPort}`)
  assert.equal(connection.local_addr, `/ip4/127.0.0.1/tcp/${socket.remotePort}`)
  socket.pipe(socket)
  await connection.write(Buffer.from('hello'))
  assert.equal(String(await read(connection)), 'hello')
  connection.shutdown()
  assert.equal(await read(connection), null)
  assert.equal(connection.read.next().done, true)
})

test('written bytes are copied during the call', async t => {
  const { connection, socket } = await pair(t)
  // A Buffer has a `slice` of its own, which is no copy.
  for (const memory of [new Uint8Array(4), Buffer.alloc(4)]) {
    memory.fill(1)
    const written = connection.write(memory)
    memory.fill(2)
    await written
    assert.deepEqual([...(await once(socket, 'data'))[0]], [1, 1, 1, 1])
  }
})

test('what is read is an ArrayBuffer of its own', async t => {
  const { connection, socket } = await pair(t)
  socket.write('xyz')
  const bytes = await connection.read.next().value
  assert.ok(bytes instanceof ArrayBuffer)
  assert.equal(bytes.byteLength, 3)
  assert.equal(connection.read, connection.read)
})

test('half-close: this side ends, the peer goes on', async t => {
  const { connection, socket } = await pair(t)
  socket.resume()
  await connection.write(Buffer.from('question'))
  connection.shutdown()
  await once(socket, 'end')
  socket.end('answer after the end')
  assert.equal(String(await readAll(connection)), 'answer after the end')
  await assert.rejects(connection.write(new Uint8Array(1)), { code: 'closed' })
})

test('half-close: the peer ends, this side goes on', async t => {
  const { connection, socket } = await pair(t)
  const received = readPeer(socket)
  socket.end()
  assert.equal(await read(connection), null)
  await connection.write(Buffer.from('still here'))
  connection.shutdown()
  assert.equal(String(await received), 'still here')
})

test('close() after shutdown() still delivers what was accepted', async t => {
  const { connection, socket } = await pair(t)
  socket.pause()
  const { accepted } = await fill(connection, 64 * MIB)
  connection.shutdown()
  connection.close()
  assert.equal((await readPeer(socket)).length, accepted)
})

test('close() without shutdown() does so too, and ends what waits', async t => {
  const { connection, socket } = await pair(t)
  const waiting = connection.read.next().value
  connection.write(Buffer.from('last words'))
  connection.close()
  await assert.rejects(waiting, { code: 'closed' })
  await assert.rejects(connection.write(new Uint8Array(1)), { code: 'closed' })
  assert.equal(String(await readPeer(socket)), 'last words')
})

test('a peer that does not read makes writes wait, and nothing is lost', async t => {
  const { connection, socket } = await pair(t)
  socket.pause()
  const before = held()
  const { accepted, room } = await fill(connection, 64 * MIB)
  assert.ok(held() - before < 8 * MIB, `${held() - before} bytes held`)
  const received = countPeer(socket)
  await room
  const chunk = new Uint8Array(MIB)
  let sent = accepted
  while (sent < 64 * MIB) {
    await connection.write(chunk)
    sent += chunk.byteLength
  }
  connection.shutdown()
  assert.equal(await received, sent)
})

test('a driver that does not read makes the peer wait, and nothing is lost', async t => {
  const { connection, socket } = await pair(t)
  const chunk = Buffer.alloc(64 * 1024)
  const before = held()
  let queued = 0
  const pump = () => {
    while (queued < 64 * MIB) {
      queued += chunk.length
      if (!socket.write(chunk)) return
    }
    socket.end()
  }
  socket.on('drain', pump)
  pump()
  // Quiet once the kernel's buffers and ours are full.
  for (let last = -1; last !== queued;) {
    last = queued
    assert.ok(await staysOpen(new Promise(() => {})))
  }
  assert.ok(queued < 32 * MIB, `${queued} bytes were taken from the peer`)
  assert.ok(held() - before < 8 * MIB, `${held() - before} bytes held`)
  assert.equal(await count(connection), 64 * MIB)
})

test('a reset breaks what waits and what follows, as typed errors', async t => {
  const { connection, socket } = await pair(t)
  socket.write('begun, and')
  assert.equal(String(await read(connection)), 'begun, and')
  const waiting = connection.read.next().value
  socket.resetAndDestroy()
  await assert.rejects(waiting, { name: 'TransportError', code: 'reset', system: 'ECONNRESET' })
  assert.equal(connection.read.next().done, true)
  await assert.rejects(connection.write(new Uint8Array(1)), { code: 'reset' })
  connection.shutdown()
})

test('a reset that comes together with the last bytes is still a reset', async t => {
  const { connection, socket } = await pair(t)
  socket.write('begun, and')
  socket.resetAndDestroy()
  assert.equal(String(await read(connection)), 'begun, and')
  await assert.rejects(read(connection), { code: 'reset', system: 'ECONNRESET' })
})

test('an end is told though written bytes wait', async t => {
  const { connection, socket } = await pair(t)
  socket.pause()
  await fill(connection, 64 * MIB)
  socket.end('the end')
  assert.equal(String(await readAll(connection)), 'the end')
})

test('a reset ends a write that waits', async t => {
  const { connection, socket } = await pair(t)
  socket.pause()
  const { room } = await fill(connection, 64 * MIB)
  socket.resetAndDestroy()
  await assert.rejects(room, error => ['reset', 'closed'].includes(error.code))
})

test('a peer that closes at once ends reading in order', async t => {
  const { connection, socket } = await pair(t)
  socket.end()
  assert.equal(await read(connection), null)
})

test('a closed port is refused', async t => {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  await assert.rejects(transport.dial(`/ip4/127.0.0.1/tcp/${port}`), {
    name: 'TransportError', code: 'refused', system: 'ECONNREFUSED', errno: 111
  })
})

test('a name that cannot exist is not found', async () => {
  await assert.rejects(transport.dial('/dns4/no-such-name.invalid/tcp/1'), error => ['name-not-found', 'name-lookup-failed'].includes(error.code))
})

test('an address that this machine cannot route to is typed', async () => {
  // Broadcast is never a TCP destination.
  await assert.rejects(transport.dial('/ip4/255.255.255.255/tcp/1'), error => ['unreachable', 'forbidden-locally', 'local-fault'].includes(error.code))
})

test('a name is dialed by its family', async t => {
  const peer = await tcpPeer(t)
  for (const protocol of ['dns', 'dns4']) {
    const connection = await transport.dial(`/${protocol}/localhost/tcp/${peer.port}`)
    assert.equal(connection.remote_addr, peer.address)
    connection.close()
  }
})

test('aborting before, during and after a dial', async t => {
  await assert.rejects(transport.dial('/ip4/127.0.0.1/tcp/1', false, AbortSignal.abort()), { name: 'AbortError', code: 'interrupted' })

  const peer = await tcpPeer(t)
  const during = new AbortController()
  const dial = transport.dial(peer.address, false, during.signal)
  during.abort()
  await assert.rejects(dial, { code: 'interrupted' })

  const after = new AbortController()
  const connection = await transport.dial(peer.address, false, after.signal)
  const socket = await peer.next()
  const waiting = connection.read.next().value
  const ended = once(socket, 'close')
  socket.resume().on('end', () => socket.end())
  after.abort()
  await assert.rejects(waiting, { code: 'interrupted' })
  await assert.rejects(connection.write(new Uint8Array(1)), { code: 'interrupted' })
  await ended
})

test('what is not a TCP address is thrown at once', () => {
  for (const address of ['/ip4/127.0.0.1/udp/1/quic-v1', '/ip4/127.0.0.1/tcp/1/ws', 'nonsense']) {
    assert.throws(() => transport.dial(address), { name: 'NotSupportedError', code: 'unsupported-address' })
    assert.throws(() => transport.listen_on(address), { name: 'NotSupportedError', code: 'unsupported-address' })
  }
  assert.throws(() => transport.listen_on('/dns4/localhost/tcp/0'), { name: 'NotSupportedError' })
})

async function readPeer (socket) {
  const chunks = []
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function countPeer (socket) {
  let bytes = 0
  socket.on('data', chunk => { bytes += chunk.length })
  socket.resume()
  await once(socket, 'end')
  return bytes
}
