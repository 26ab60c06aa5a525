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

test('what is no upgrade is answered and not told of', async t => {
  const { events, address, port } = await listening(t)
  const next = events.next().value
  assert.equal(await answer(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'), 'HTTP/1.1 426 Upgrade Required')
  assert.equal(await answer(port, 'nonsense\r\n\r\n'), 'HTTP/1.1 400 Bad Request')
  const dialed = await transport.dial(address)
  const { new_connections } = await next
  assert.equal(new_connections.length, 1)
  new_connections[0].connection.close()
  dialed.close()
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
