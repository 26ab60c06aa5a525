// Peers that misbehave: whatever they do, memory stays bounded and every promise settles.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { createTransport, websocketTransport } from '../index.js'
import { MIB, fill, oneSided, readAll, sockets, tcpPeer, wsPeer } from './helpers.js'

const GIB = 1024 * MIB
const kinds = ['tcp', ...sockets.map(([name]) => name)]

for (const kind of kinds) {
  /** What the platform's own WebSocket hides is `opaque`. */
  const told = code => kind === 'platform' ? 'opaque' : code

  test(`${kind}: a peer that sends 1 GiB and never reads`, async () => {
    const found = await oneSided(kind, GIB, 64 * 1024)
    assert.equal(found.received, GIB)
    assert.ok(found.most < 96 * MIB, `${found.most} bytes held`)
    assert.ok(found.written < 32 * MIB, `${found.written} bytes were taken for a peer that does not read`)
    assert.equal(found.waited, true)
    assert.deepEqual([found.reading, found.writing], [told('reset'), told('reset')])
  })
}

for (const [kind, WebSocket] of sockets) {
  const transport = websocketTransport({ WebSocket })
  const told = code => kind === 'platform' ? 'opaque' : code

  test(`${kind}: a peer that sends a million tiny messages and never reads`, async () => {
    const found = await oneSided(kind, 1_000_000, 1)
    assert.equal(found.received, 1_000_000)
    assert.ok(found.most < 64 * MIB, `${found.most} bytes held`)
  })

  test(`${kind}: a reset in the middle of a frame, while a write waits`, async t => {
    const peer = await wsPeer(t)
    const connection = await transport.dial(peer.address)
    const socket = await peer.next()
    socket.pause()
    const { room } = await fill(connection, 64 * MIB)
    socket._socket.write(Buffer.concat([Buffer.from([0x82, 100]), Buffer.alloc(10)]))
    socket._socket.resetAndDestroy()
    await assert.rejects(room, error => [told('reset'), told('closed')].includes(error.code))
    await assert.rejects(readAll(connection), error => [told('reset'), told('closed')].includes(error.code))
    connection.close()
  })

  test(`${kind}: an end in the middle of a message of many frames`, async t => {
    const peer = await wsPeer(t)
    const connection = await transport.dial(peer.address)
    const socket = await peer.next()
    // The first frame of a message that never ends; nothing of it is handed out.
    socket._socket.end(Buffer.concat([Buffer.from([0x02, 100]), Buffer.alloc(100)]))
    await assert.rejects(readAll(connection), { code: told('closed') })
    connection.close()
  })

  test(`${kind}: a text frame cut in two, and a ping beyond its length`, async t => {
    for (const frame of [Buffer.from([0x01, 1, 0x61]), Buffer.concat([Buffer.from([0x89, 126, 0, 126]), Buffer.alloc(126)])]) {
      const peer = await wsPeer(t)
      const connection = await transport.dial(peer.address)
      const socket = await peer.next()
      socket._socket.write(frame)
      socket._socket.end(Buffer.from([0x80, 1, 0x62]))
      await assert.rejects(readAll(connection), error => ['websocket-failed', told('websocket-failed')].includes(error.code))
      connection.close()
    }
  })

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
