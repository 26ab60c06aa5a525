// Peers that misbehave: whatever they do, memory stays bounded and every promise settles.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { test } from 'node:test'
import { createTransport, websocketTransport } from '../index.js'
import { MOST_LINGERING, UNREAD_LIMIT } from '../contract.js'
import { MIB, fill, oneSided, pair, read, readAll, roles, smallWrites, sockets, staysOpen, tcpPeer } from './helpers.js'

const GIB = 1024 * MIB

/** A frame as the other end has to send it, of which only the payload comes: a client masks, here with zeros, which change nothing. */
const frame = (role, first, payload, length = payload.length) => role === 'dial'
  ? Buffer.concat([Buffer.from([first, length]), payload])
  : Buffer.concat([Buffer.from([first, 0x80 | length, 0, 0, 0, 0]), payload])

/** Waits until every buffer on the way from a peer is full, or all it has sent has come. */
async function quiet (socket) {
  for (let last = -1; last !== socket.bufferedAmount;) {
    last = socket.bufferedAmount
    await staysOpen(new Promise(() => {}))
  }
}

for (const [kind, role] of roles) {
  /** What the platform's own WebSocket hides is `opaque`. */
  const told = code => kind === 'platform' ? 'opaque' : code

  test(`${kind}, ${role}: a million small writes arrive, in bounded memory`, async () => {
    const { writes, received, most } = await smallWrites(kind, role)
    assert.equal(received, writes)
    // Under 1 MiB; 5 and more where writes are not counted, hundreds where none waits.
    assert.ok(most < 4 * MIB, `${most} bytes held`)
  })

  test(`${kind}, ${role}: a peer that sends 1 GiB and never reads`, async () => {
    const found = await oneSided(kind, role, GIB, 64 * 1024)
    assert.equal(found.received, GIB)
    assert.ok(found.most < 96 * MIB, `${found.most} bytes held`)
    assert.ok(found.written < 32 * MIB, `${found.written} bytes were taken for a peer that does not read`)
    assert.equal(found.waited, true)
    assert.deepEqual([found.reading, found.writing], [told('reset'), told('reset')])
  })

  test(`${kind}, ${role}: a reset while a write waits`, async t => {
    const { connection, socket } = await pair(t, kind, role)
    socket.pause()
    const { room } = await fill(connection, 64 * MIB)
    const wire = socket._socket ?? socket
    wire.write(frame(role, 0x82, Buffer.alloc(10), 100))
    wire.resetAndDestroy()
    const broken = error => ['reset', 'closed'].map(told).includes(error.code)
    await assert.rejects(room, broken)
    // Over TCP what had come is read before.
    await assert.rejects(async () => { while (await read(connection) !== null); await room }, broken)
    connection.close()
  })
}

for (const [kind, role] of roles.filter(([kind]) => kind !== 'tcp')) {
  const told = code => kind === 'platform' ? 'opaque' : code
  test(`${kind}, ${role}: a peer that sends a million tiny messages and never reads`, async () => {
    const found = await oneSided(kind, role, 1_000_000, 1)
    assert.equal(found.received, 1_000_000)
    assert.ok(found.most < 64 * MIB, `${found.most} bytes held`)
  })

  test(`${kind}, ${role}: a reset in the middle of a frame`, async t => {
    const { connection, socket } = await pair(t, kind, role)
    socket._socket.write(frame(role, 0x82, Buffer.alloc(10), 100))
    socket._socket.resetAndDestroy()
    await assert.rejects(readAll(connection), { code: told('reset') })
    connection.close()
  })

  test(`${kind}, ${role}: an end in the middle of a message of many frames`, async t => {
    const { connection, socket } = await pair(t, kind, role)
    // The first frame of a message that never ends; nothing of it is handed out.
    socket._socket.end(frame(role, 0x02, Buffer.alloc(100)))
    await assert.rejects(readAll(connection), { code: told('closed') })
    connection.close()
  })

  test(`${kind}, ${role}: a text frame, whole and cut in two, and frames that break the rules`, async t => {
    const [begin, rest] = [frame(role, 0x01, Buffer.from('a')), frame(role, 0x80, Buffer.from('b'))]
    const broken = {
      'a text frame': [frame(role, 0x81, Buffer.from('ab')), ['websocket-failed']],
      'a text frame cut in two': [Buffer.concat([begin, rest]), ['websocket-failed']],
      'text that is none': [frame(role, 0x81, Buffer.from([0xff])), ['websocket-failed', told('websocket-failed')]],
      'a ping beyond its length': [Buffer.concat([Buffer.from(role === 'dial' ? [0x89, 126, 0, 126] : [0x89, 0xfe, 0, 126, 0, 0, 0, 0]), Buffer.alloc(126)]), [told('websocket-failed')]],
      'a frame of nothing known': [frame(role, 0x83, Buffer.alloc(1)), [told('websocket-failed')]],
      'a mask where there may be none, or none where there has to be': [role === 'dial' ? Buffer.from([0x82, 0x81, 0, 0, 0, 0, 1]) : Buffer.from([0x82, 1, 1]), [told('websocket-failed')]]
    }
    for (const [what, [bytes, codes]] of Object.entries(broken)) {
      const { connection, socket } = await pair(t, kind, role)
      socket._socket.write(bytes)
      await assert.rejects(readAll(connection), error => codes.includes(error.code) || assert.fail(`${what}: ${error.code}`))
      await assert.rejects(connection.write(new Uint8Array(1)), error => codes.includes(error.code) || assert.fail(`${what}: ${error.code}`))
      connection.close()
    }
  })
}

// The platform's own WebSocket, which is used without the package alone, cannot be told how many answers may wait.
for (const role of ['dial', 'listen']) {
  const ping = frame(role, 0x89, Buffer.alloc(125))
  const burst = Buffer.concat(Array(10).fill(ping))

  for (const [what, chunk, count] of [['much', Buffer.alloc(64 * 1024), 1024], ['tiny messages', Buffer.alloc(1), 100_000]]) {
    test(`package, ${role}: a driver that does not read makes a peer that sends ${what} wait, and nothing is lost`, async t => {
      const { connection, socket } = await pair(t, 'package', role)
      for (let sent = 0; sent < count; sent++) socket.send(chunk)
      socket.close()
      await quiet(socket)
      // What is tiny fits into the buffers of the system.
      const taken = count * chunk.length - socket.bufferedAmount
      assert.ok(taken < 32 * MIB, `${taken} bytes were taken from the peer`)
      assert.equal((await readAll(connection)).length, count * chunk.length)
      connection.close()
    })
  }

  test(`package, ${role}: a connection that nobody reads and that is closed is closed in order`, async t => {
    const { connection, socket } = await pair(t, 'package', role)
    const closed = once(socket, 'close')
    const chunk = Buffer.alloc(64 * 1024)
    for (let sent = 0; sent < 1024; sent++) socket.send(chunk)
    await quiet(socket)
    assert.ok(socket.bufferedAmount > 0)
    connection.close()
    const [code] = await closed
    assert.equal(code, 1005)
  })

  test(`package, ${role}: a peer that pings and reads is answered`, async t => {
    const { connection, socket } = await pair(t, 'package', role)
    for (let sent = 0; sent < 1000; sent++) {
      const answered = once(socket, 'pong')
      socket._socket.write(ping)
      await answered
    }
    socket.send(Buffer.from('after'))
    assert.equal(String(await read(connection)), 'after')
    connection.close()
  })

  test(`package, ${role}: a peer that pings and never reads`, async t => {
    const { connection, socket } = await pair(t, 'package', role)
    const wire = socket._socket
    socket.pause()
    let gone = false
    const closed = new Promise(resolve => wire.on('close', () => { gone = true; resolve() }))
    // More answers than the system keeps for who does not read.
    for (let sent = 0; sent < 64 * MIB && !gone; sent += burst.length) {
      if (!wire.write(burst)) await Promise.race([new Promise(resolve => wire.once('drain', resolve)), closed])
      await new Promise(resolve => setImmediate(resolve))
    }
    if (!gone) socket.send(Buffer.from('after'))
    await assert.rejects(read(connection), { code: 'overrun' })
    await assert.rejects(connection.write(new Uint8Array(1)), { code: 'overrun' })
    connection.close()
  })
}

test('package, listen: peers that answer no Close frame, in a flood, are let go', async t => {
  const events = createTransport().listen_on('/ip4/127.0.0.1/tcp/0/ws')
  t.after(() => events.return())
  const { new_addrs: [address] } = await events.next().value
  const peers = []
  t.after(() => { for (const peer of peers) peer.destroy() })
  let gone = 0
  const enough = new Promise(resolve => {
    for (let place = 0; place < MOST_LINGERING + 50; place++) {
      const peer = net.connect(Number(address.split('/')[4]), '127.0.0.1').on('error', () => {}).resume()
      peer.on('close', () => { gone += 1; if (gone === 50) resolve() })
      peers.push(peer)
    }
  })
  for (const peer of peers) {
    const next = events.next().value
    peer.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n')
    const { new_connections: [{ connection }] } = await next
    connection.close()
  }
  await enough
  // Those who were first have the time that is due to them.
  assert.equal(gone, 50)
})

for (const [kind, WebSocket] of sockets) {
  const transport = websocketTransport({ WebSocket })
  const told = code => kind === 'platform' ? 'opaque' : code

  test(`${kind}: a peer that goes in the middle of each handshake`, async t => {
    const peer = await tcpPeer(t)
    const greet = async (go, bytes) => {
      const socket = await peer.next()
      socket.once('data', () => {
        socket.write(bytes)
        go(socket)
      })
    }
    const ways = { closed: socket => socket.end(), reset: socket => setImmediate(() => socket.resetAndDestroy()) }
    // Half of an answer over HTTP, then the head of a TLS record of which nothing follows.
    for (const [path, bytes] of [['ws', 'HTTP/1.1 101 Switching Pro'], ['tls/ws', Buffer.from([22, 3, 3, 0, 100])]]) {
      for (const [code, go] of Object.entries(ways)) {
        const greeted = greet(go, bytes)
        await assert.rejects(transport.dial(`${peer.address}/${path}`), error => {
          const fitting = [code, 'closed', 'reset', 'tls-failed', 'not-http'].map(told)
          return fitting.includes(error.code) || assert.fail(`${path}, ${code}: ${error.code}`)
        })
        await greeted
      }
    }
  })
}

test('tcp: a peer that goes as soon as it has accepted', async t => {
  const peer = await tcpPeer(t)
  for (const go of [socket => socket.end(), socket => socket.resetAndDestroy()]) {
    const dialed = createTransport().dial(peer.address)
    const socket = await peer.next()
    const gone = once(socket, 'close')
    go(socket)
    // A reset may overtake what the system tells of the dial.
    const connection = await dialed.catch(({ code }) => assert.equal(code, 'reset'))
    if (connection !== undefined) await readAll(connection).then(bytes => assert.equal(bytes.length, 0), ({ code }) => assert.equal(code, 'reset'))
    connection?.close()
    await gone
  }
})
