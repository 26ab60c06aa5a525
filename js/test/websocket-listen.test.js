import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { test } from 'node:test'
import { websocketTransport } from '../websocket.js'
import { readAll } from './helpers.js'

const transport = websocketTransport()

/** Listens on a port of the loopback. */
async function listening (t) {
  const events = transport.listen_on('/ip4/127.0.0.1/tcp/0/ws')
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
  assert.match(observed_addr, /^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws$/)
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
