import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { test } from 'node:test'
import { BACKLOG, HANDSHAKES_PER_SOURCE } from '../contract.js'
import { sourceOf } from '../handshakes.js'
import { websocketTransport } from '../websocket.js'
import { readAll, staysOpen } from './helpers.js'

const transport = websocketTransport()

/** Listens on a port of the loopback. */
async function listening (t, using = transport) {
  const events = using.listen_on('/ip4/127.0.0.1/tcp/0/ws')
  t.after(() => events.return())
  const { new_addrs: [address] } = await events.next().value
  return { events, address, port: Number(address.split('/')[4]) }
}

/** What a server answers to a request. */
async function answer (port, request) {
  const socket = net.connect(port, '127.0.0.1')
  socket.end(request)
  const [bytes] = await once(socket, 'data')
  socket.destroy()
  return String(bytes).split('\r\n')[0]
}

test('a WebSocket is dialed and listened for, and both sides agree on its ends', async t => {
  const { events, address } = await listening(t)
  const next = events.next().value
  const dialed = await transport.dial(address)
  const { new_connections: [{ connection, local_addr, observed_addr }] } = await next
  assert.equal(local_addr, address)
  assert.equal(observed_addr, `${dialed.local_addr}/ws`)
  await dialed.write(Buffer.from('from the dialer'))
  dialed.shutdown()
  assert.equal(String(await readAll(connection)), 'from the dialer')
  connection.close()
  dialed.close()
})

/** The next connection that came to nothing. */
async function failed (events) {
  const { failed_connections: [{ error, local_addr, observed_addr }], new_connections } = await events.next().value
  assert.equal(new_connections, undefined)
  assert.match(observed_addr, /^\/ip4\/127\.0\.[02]\.\d+\/tcp\/\d+\/ws$/)
  return { ...error, message: error.message, local_addr }
}

const UPGRADE = 'GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'

for (const [what, request, answered, expected] of [
  ['another request', 'GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n', '426 Upgrade Required', { code: 'http-status', status: 426, message: 'GET /a?b is no WebSocket upgrade' }],
  ['another method', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n', '405 Method Not Allowed', { code: 'http-status', status: 405 }],
  ['a proxy', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', '405 Method Not Allowed', { code: 'http-status', status: 405 }],
  ['an upgrade by another method', UPGRADE.replace('GET', 'PUT') + '\r\n', '405 Method Not Allowed', { code: 'http-status', status: 405 }],
  ['an upgrade without a key', UPGRADE + 'Sec-WebSocket-Version: 13\r\n\r\n', '400 Bad Request', { code: 'websocket-failed' }],
  ['a broken request', 'GET /a HTTP/1.1\r\nHost\r\n\r\n', '400 Bad Request', { code: 'websocket-failed' }],
  ['a request that ends early', 'GET /a HTTP/1.1\r\nHo', '400 Bad Request', { code: 'closed' }],
  ['no HTTP', 'SSH-2.0-x\r\n', '400 Bad Request', { code: 'not-http' }]
]) {
  test(`instead of an upgrade: ${what}`, async t => {
    const { events, address, port } = await listening(t)
    const next = failed(events)
    assert.equal(await answer(port, request), `HTTP/1.1 ${answered}`)
    const told = await next
    assert.deepEqual({ ...expected, local_addr: address }, Object.fromEntries([...Object.keys(expected), 'local_addr'].map(name => [name, told[name]])))
    if (expected.code === 'not-http') assert.equal(String.fromCharCode(...told.received), request)
    // Others are served on.
    const following = events.next().value
    const dialed = await transport.dial(address)
    const { new_connections: [{ connection }] } = await following
    connection.close()
    dialed.close()
  })
}

test('who hangs up without a word is told of, and who resets', async t => {
  const { events, port } = await listening(t)
  for (const [leave, code] of [['end', 'closed'], ['resetAndDestroy', 'reset']]) {
    const next = failed(events)
    const socket = net.connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket[leave]()
    assert.equal((await next).code, code)
  }
})

/** A client that is connected, and of which the listener has heard: whoever comes later has been served. */
async function guest (t, { events, address, port }, words = '') {
  const socket = net.connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(words)
  const next = events.next().value
  const dialed = await transport.dial(address)
  const { new_connections: [{ connection }] } = await next
  connection.close()
  dialed.close()
  return socket
}

for (const [what, words] of [['nothing', ''], ['one byte', 'G'], ['half a request', UPGRADE], ['a body that does not come', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Len']]) {
  test(`who sends ${what} and falls silent is told of, answered and let go`, async t => {
    const { events, address, port } = await listening(t, websocketTransport({ handshakeMs: 30 }))
    const next = failed(events)
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    t.after(() => socket.destroy())
    socket.write(words)
    let said = ''
    for await (const bytes of socket) said += bytes
    assert.match(said, /^HTTP\/1\.1 408 Request Timeout\r\n/)
    const { code, local_addr } = await next
    assert.deepEqual([code, local_addr], ['timed-out', address])
  })
}

test('who sends a byte now and then gets no more time', async t => {
  const { events, port } = await listening(t, websocketTransport({ handshakeMs: 30 }))
  const next = failed(events)
  const socket = net.connect(port, '127.0.0.1')
  const drip = setInterval(() => socket.write('a'), 5)
  socket.on('error', () => {}).resume()
  t.after(() => { clearInterval(drip); socket.destroy() })
  socket.write('GET /')
  assert.equal((await next).code, 'timed-out')
})

test('who has become a WebSocket has all the time it wants', async t => {
  const { events, address, port } = await listening(t, websocketTransport({ handshakeMs: 30 }))
  const next = events.next().value
  const dialed = await transport.dial(address)
  const { new_connections: [{ connection }] } = await next
  // Another one's time runs out after that of this one would have.
  const late = failed(events)
  const socket = net.connect(port, '127.0.0.1').resume()
  t.after(() => socket.destroy())
  assert.equal((await late).code, 'timed-out')
  await dialed.write(Buffer.from('still here'))
  dialed.shutdown()
  assert.equal(String(await readAll(connection)), 'still here')
  connection.close()
  dialed.close()
})

test('who listens no more lets those go that have not asked for anything', async t => {
  const listener = await listening(t)
  const guests = [await guest(t, listener), await guest(t, listener, 'GET / HT')]
  const gone = Promise.all(guests.map(socket => once(socket.resume(), 'close')))
  listener.events.return()
  await gone
})

/** Clients that say nothing, from these addresses of this machine; counts those whose connection has ended. */
async function silent (t, port, from) {
  const sockets = new Set()
  let closed = 0
  t.after(() => { for (const socket of sockets) socket.destroy() })
  for (const localAddress of from) {
    const socket = net.connect({ port, host: '127.0.0.1', localAddress })
    sockets.add(socket)
    socket.on('close', () => { closed += 1; sockets.delete(socket) })
    socket.on('error', () => {}).resume()
    await once(socket, 'connect')
  }
  assert.ok(await staysOpen(new Promise(() => {})))
  return { closed, sockets }
}

test('those that have not asked for anything are limited', async t => {
  const { events, address, port } = await listening(t)
  const from = Array.from({ length: BACKLOG + 10 }, (_, index) => `127.0.2.${1 + index % 100}`)
  const { closed, sockets } = await silent(t, port, from)
  assert.equal(closed, 10)
  // None of them was told of, and a place that is left is free again.
  const [one] = sockets
  const next = failed(events)
  one.end()
  assert.equal((await next).code, 'closed')
  const following = events.next().value
  const dialed = await transport.dial(address)
  const { new_connections: [{ connection }] } = await following
  connection.close()
  dialed.close()
})

test('those of one place are, so that others are served', async t => {
  const { events, address, port } = await listening(t)
  const { closed, sockets } = await silent(t, port, Array(HANDSHAKES_PER_SOURCE + 3).fill('127.0.2.1'))
  assert.equal(closed, 3)
  // Who dials from elsewhere.
  const next = events.next().value
  const dialed = await transport.dial(address)
  const { new_connections: [{ connection }] } = await next
  connection.close()
  dialed.close()
  const [one] = sockets
  const left = failed(events)
  one.end()
  assert.equal((await left).code, 'closed')
  assert.equal((await silent(t, port, ['127.0.2.1', '127.0.2.1'])).closed, 1)
})

test('what counts as one place', () => {
  for (const [address, source] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:0:0:1:2:3:4', '2001:db8:0:0::/64'],
    ['2001:db8:0:1::1', '2001:db8:0:1::/64'],
    ['1::2:3:4:5:6:7', '1:0:2:3::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    [undefined, '']
  ]) assert.equal(sourceOf(address), source)
})

test('who listens no more gives its port back, and says what has expired', async t => {
  const { events, address } = await listening(t)
  events.return()
  assert.deepEqual((await events.next().value).expired_addrs, [address])
  await assert.rejects(transport.dial(address), { code: 'refused' })
})

test('a name is told to the server, and the address is where the dial goes', async t => {
  const server = net.createServer()
  t.after(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const asked = once(server, 'connection').then(async ([socket]) => {
    const [bytes] = await once(socket, 'data')
    socket.destroy()
    return String(bytes)
  })
  const dialed = transport.dial(`/ip4/127.0.0.1/tcp/${server.address().port}/ws`, false, undefined, 'node.example.org')
  assert.match(await asked, new RegExp(`\r\nHost: node.example.org:${server.address().port}\r\n`))
  await assert.rejects(dialed)
})
