import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import os from 'node:os'
import { test } from 'node:test'
import { UNREAD_LIMIT } from '../contract.js'
import { websocketTransport } from '../websocket.js'
import { MIB, PackageSocket, fill, held, pair as pairOf, read, readAll, sockets, staysOpen, tcpPeer, unstoppable, wsPeer } from './helpers.js'

for (const [name, WebSocket] of sockets) {
  const transport = websocketTransport({ WebSocket })
  /** What the platform's own hides is `opaque`. */
  const told = code => name === 'package' ? code : 'opaque'

  const pair = async t => {
    const peer = await wsPeer(t)
    const connection = await transport.dial(peer.address, false)
    t.after(() => connection.close())
    return { connection, socket: await peer.next() }
  }

  test(`${name}: bytes go both ways, as binary frames`, async t => {
    const { connection, socket } = await pair(t)
    await connection.write(Buffer.from('hello'))
    const [data, binary] = await once(socket, 'message')
    assert.equal(String(data), 'hello')
    assert.equal(binary, true)
    socket.send(Buffer.from('back'))
    socket.send(Buffer.alloc(0))
    socket.send(Buffer.from('again'))
    const bytes = await connection.read.next().value
    assert.ok(bytes instanceof ArrayBuffer)
    assert.equal(String(Buffer.from(bytes)), 'back')
    assert.equal(String(await read(connection)), 'again')
  })

  test(`${name}: written bytes are copied during the call, shared memory too, and nothing makes no frame`, async t => {
    const { connection, socket } = await pair(t)
    for (const memory of [new Uint8Array(3), new Uint8Array(new SharedArrayBuffer(3)), Buffer.alloc(3)]) {
      await connection.write(memory.subarray(0, 0))
      memory.fill(1)
      const written = connection.write(memory)
      memory.fill(2)
      await written
      assert.deepEqual([...(await once(socket, 'message'))[0]], [1, 1, 1])
    }
  })

  test(`${name}: what arrives before anybody reads is kept, until the end`, async t => {
    const { connection, socket } = await pair(t)
    socket.send(Buffer.from('one '))
    socket.send(Buffer.from('two'))
    socket.close(1000)
    await once(socket, 'close')
    assert.equal(String(await readAll(connection)), 'one two')
    assert.equal(connection.read.next().done, true)
    await assert.rejects(connection.write(new Uint8Array(1)), { code: 'closed', closeCode: 1000 })
  })

  test(`${name}: shutdown() sends what was written, then the end, and the peer's answer ends reading`, async t => {
    const { connection, socket } = await pair(t)
    const messages = []
    socket.on('message', data => messages.push(String(data)))
    await connection.write(Buffer.from('last words'))
    connection.shutdown()
    const [code] = await once(socket, 'close')
    assert.deepEqual(messages, ['last words'])
    assert.equal(code, 1005)
    assert.equal(await read(connection), null)
    await assert.rejects(connection.write(new Uint8Array(1)), { code: 'closed' })
  })

  test(`${name}: close() delivers what was accepted and ends what waits`, async t => {
    const { connection, socket } = await pair(t)
    let bytes = 0
    socket.on('message', data => { bytes += data.length })
    const waiting = connection.read.next().value
    connection.write(new Uint8Array(MIB))
    connection.close()
    await assert.rejects(waiting, { code: 'closed' })
    await once(socket, 'close')
    assert.equal(bytes, MIB)
  })

  test(`${name}: an error code of the peer is passed on`, async t => {
    const { connection, socket } = await pair(t)
    socket.close(1013, 'try again later')
    await assert.rejects(readAll(connection), { code: 'closed', closeCode: 1013, closeReason: 'try again later' })
    assert.equal(connection.read.next().done, true)
  })

  test(`${name}: a connection that ends without a Close frame broke`, async t => {
    const { connection, socket } = await pair(t)
    socket.send(Buffer.from('begun'))
    assert.equal(String(await read(connection)), 'begun')
    const waiting = connection.read.next().value
    socket._socket.end()
    await assert.rejects(waiting, { code: told('closed') })
    await assert.rejects(connection.write(new Uint8Array(1)), { code: told('closed') })
  })

  test(`${name}: a reset in the middle of a frame broke it too`, async t => {
    const { connection, socket } = await pair(t)
    // A frame of 100 bytes of which 10 come.
    socket._socket.write(Buffer.concat([Buffer.from([0x82, 100]), Buffer.alloc(10)]))
    socket._socket.resetAndDestroy()
    await assert.rejects(readAll(connection), { code: told('reset') })
  })

  test(`${name}: text instead of binary messages breaks the connection`, async t => {
    const { connection, socket } = await pair(t)
    socket.send(Buffer.from('bytes'))
    socket.send('text')
    assert.equal(String(await read(connection)), 'bytes')
    await assert.rejects(read(connection), { code: 'websocket-failed', what: 'text instead of binary messages' })
    await assert.rejects(connection.write(new Uint8Array(1)), { code: 'websocket-failed' })
    await closed(socket)
  })

  test(`${name}: a broken frame breaks the connection`, async t => {
    const { connection, socket } = await pair(t)
    socket._socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]))
    await assert.rejects(readAll(connection), { code: told('websocket-failed') })
  })

  test(`${name}: a peer that does not read makes writes wait, and nothing is lost`, async t => {
    const { connection, socket } = await pair(t)
    socket.pause()
    const before = held()
    const { accepted, room } = await fill(connection, 64 * MIB)
    assert.ok(held() - before < 16 * MIB, `${held() - before} bytes held`)
    let received = 0
    socket.on('message', data => { received += data.length })
    socket.resume()
    await room
    const chunk = new Uint8Array(MIB)
    let sent = accepted
    while (sent < 64 * MIB) {
      await connection.write(chunk)
      sent += chunk.byteLength
    }
    connection.shutdown()
    await closed(socket)
    assert.equal(received, sent)
  })

  test(`${name}: dials that fail say why as far as the platform tells`, async t => {
    const silent = await tcpPeer(t)
    const dial = port => transport.dial(`/ip4/127.0.0.1/tcp/${port}/ws`)
    const answer = bytes => silent.next().then(socket => socket.once('data', () => bytes === null ? socket.resetAndDestroy() : socket.end(bytes)))

    const server = net.createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address()
    server.close()
    await once(server, 'close')
    await assert.rejects(dial(port), { name: 'TransportError', code: told('refused') })

    answer('HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/\r\nContent-Length: 0\r\n\r\n')
    await assert.rejects(dial(silent.port), name === 'package'
      ? { code: 'http-status', status: 302, location: 'https://elsewhere.example/' }
      : { code: 'opaque' })
    answer('SSH-2.0-OpenSSH_9.2\r\n')
    await assert.rejects(dial(silent.port), { code: told('not-http') })
    answer('')
    await assert.rejects(dial(silent.port), { code: told('closed') })
    answer(null)
    await assert.rejects(dial(silent.port), { code: told('reset') })
    answer('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n')
    await assert.rejects(dial(silent.port), { code: told('websocket-failed') })
    answer('no TLS here\r\n')
    await assert.rejects(transport.dial(`/ip4/127.0.0.1/tcp/${silent.port}/tls/ws`), { code: told('tls-failed') })
  })

  test(`${name}: aborting during a handshake that hangs, and after it`, async t => {
    await assert.rejects(transport.dial('/ip4/127.0.0.1/tcp/1/ws', false, AbortSignal.abort()), { name: 'AbortError', code: 'interrupted' })

    const silent = await tcpPeer(t)
    const during = new AbortController()
    const dial = transport.dial(`${silent.address}/ws`, false, during.signal)
    const socket = await silent.next()
    await once(socket.resume(), 'data').catch(() => {})
    during.abort()
    await assert.rejects(dial, { code: 'interrupted' })

    const peer = await wsPeer(t)
    const after = new AbortController()
    const connection = await transport.dial(peer.address, false, after.signal)
    const waiting = connection.read.next().value
    const accepted = await peer.next()
    after.abort()
    await assert.rejects(waiting, { code: 'interrupted' })
    await assert.rejects(connection.write(new Uint8Array(1)), { code: 'interrupted' })
    await closed(accepted)
  })

  test(`${name}: the path of an address is asked for`, async t => {
    const peer = await wsPeer(t, { path: '/a/b' })
    const connection = await transport.dial(peer.address.replace(/ws$/, 'x-parity-ws/%2Fa%2Fb'))
    connection.close()
    await assert.rejects(transport.dial(peer.address), error => ['http-status', 'opaque'].includes(error.code))
  })
}

for (const [name, WebSocket] of unstoppable) {
  const pair = async t => {
    const peer = await wsPeer(t)
    const connection = await websocketTransport({ WebSocket }).dial(peer.address)
    t.after(() => connection.close())
    return { connection, socket: await peer.next() }
  }

  test(`${name}: a driver that does not read is overrun, in bounded memory`, async t => {
    const { connection, socket } = await pair(t)
    const before = held()
    const most = await flood(socket, Buffer.alloc(64 * 1024), 64 * MIB, before)
    assert.ok(most < 2 * UNREAD_LIMIT, `${most} bytes held`)
    await assert.rejects(read(connection), { code: 'overrun' })
    assert.equal(connection.read.next().done, true)
    await assert.rejects(connection.write(new Uint8Array(1)), { code: 'overrun' })
  })

  test(`${name}: so is one that is sent tiny messages`, async t => {
    const { connection, socket } = await pair(t)
    await flood(socket, Buffer.alloc(1), 100_000)
    await assert.rejects(read(connection), { code: 'overrun' })
  })
}

// What a client sends is masked, and so copied by the package.
test('package, listen: written bytes are copied during the call', async t => {
  const { connection, socket } = await pairOf(t, 'package', 'listen')
  const memory = Buffer.alloc(3, 1)
  const written = connection.write(memory)
  memory.fill(2)
  await written
  assert.deepEqual([...(await once(socket, 'message'))[0]], [1, 1, 1])
  connection.close()
})

const ip6 = os.networkInterfaces().lo?.some(({ family }) => family === 'IPv6')

test('package: an address on a link is dialed there, with and without TLS, and asked for without its zone', { skip: !ip6 }, async t => {
  const asked = []
  const server = net.createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', bytes => { asked.push(bytes); socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n') })
  })
  t.after(() => server.close())
  await once(server.listen(0, '::1'), 'listening')
  const { port } = server.address()
  const transport = websocketTransport()
  await assert.rejects(transport.dial(`/ip6zone/lo/ip6/::1/tcp/${port}/x-parity-ws/%2Fa`), { code: 'http-status', status: 404 })
  await assert.rejects(transport.dial(`/ip6zone/lo/ip6/::1/tcp/${port}/tls/ws`), { code: 'tls-failed' })
  assert.match(String(asked[0]), new RegExp(`^GET /a HTTP/1.1\r\n(?:.*\r\n)*Host: \\[::1\\]:${port}\r\n`))
  // The begin of a TLS handshake.
  assert.equal(asked[1][0], 22)
})

if (globalThis.WebSocket !== undefined) {
  test('platform: an address on a link cannot be dialed', () => {
    const { dial } = websocketTransport({ WebSocket: globalThis.WebSocket })
    assert.throws(() => dial('/ip6zone/lo/ip6/::1/tcp/1/ws'), { name: 'NotSupportedError', code: 'not-in-this-runtime' })
  })
}

test('what is not a WebSocket address is thrown at once', () => {
  const transport = websocketTransport()
  for (const address of ['/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/udp/1/quic-v1', 'nonsense']) {
    assert.throws(() => transport.dial(address), { name: 'NotSupportedError', code: 'unsupported-address' })
  }
  for (const address of ['/ip4/127.0.0.1/tcp/0/wss', '/dns4/localhost/tcp/0/ws', '/ip4/127.0.0.1/tcp/0']) {
    assert.throws(() => transport.listen_on(address), { name: 'NotSupportedError', code: 'unsupported-address' })
  }
})

test('the package is taken before what the platform has', async t => {
  const peer = await wsPeer(t)
  const connection = await websocketTransport().dial(peer.address)
  assert.ok(PackageSocket)
  connection.close()
})

/** Sends until the peer's connection closes; returns the most that buffers held. */
async function flood (socket, chunk, limit, before = 0) {
  let most = 0
  for (let sent = 0; sent < limit && socket.readyState === socket.OPEN; sent += chunk.length) {
    socket.send(chunk)
    if (socket.bufferedAmount < MIB) continue
    most = Math.max(most, held() - before)
    while (socket.readyState === socket.OPEN && socket.bufferedAmount > 0) await new Promise(resolve => setImmediate(resolve))
  }
  assert.equal(await staysOpen(closed(socket), 10_000), false, 'all was taken')
  return most
}

async function closed (socket) {
  if (socket.readyState !== socket.CLOSED) await once(socket, 'close')
}
