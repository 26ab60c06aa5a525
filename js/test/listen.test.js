import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import os from 'node:os'
import { test } from 'node:test'
import { BACKLOG } from '../contract.js'
import { tcpTransport } from '../tcp.js'
import { read, readAll, staysOpen, tcpPeer } from './helpers.js'

const transport = tcpTransport()
const portOf = address => Number(address.split('/').at(-1))

/** Listens and takes the event with the first addresses. */
async function listening (t, address, using = transport) {
  const events = using.listen_on(address)
  t.after(() => events.return())
  const event = await events.next().value
  return { events, event, addresses: event.new_addrs, port: portOf(event.new_addrs[0] ?? '') }
}

test('an ephemeral port is told, and both sides of a connection agree on its ends', async t => {
  const { events, addresses } = await listening(t, '/ip4/127.0.0.1/tcp/0')
  assert.equal(addresses.length, 1)
  assert.ok(portOf(addresses[0]) > 0)
  const next = events.next().value
  const dialed = await transport.dial(addresses[0])
  const event = await next
  assert.equal(event.new_addrs, undefined)
  assert.equal(event.expired_addrs, undefined)
  const [{ connection, local_addr, observed_addr }] = event.new_connections
  assert.equal(local_addr, addresses[0])
  assert.equal(observed_addr, dialed.local_addr)
  await connection.write(Buffer.from('from the listener'))
  await dialed.write(Buffer.from('from the dialer'))
  connection.shutdown()
  dialed.shutdown()
  assert.equal(String(await readAll(dialed)), 'from the listener')
  assert.equal(String(await readAll(connection)), 'from the dialer')
  connection.close()
  dialed.close()
})

test('a wildcard becomes the addresses of all interfaces, and all of them lead here', async t => {
  const { events, addresses, port } = await listening(t, '/ip4/0.0.0.0/tcp/0')
  const own = Object.values(os.networkInterfaces()).flat().filter(({ family }) => family === 'IPv4').map(({ address }) => address)
  assert.deepEqual([...addresses].sort(), [...new Set(own)].map(ip => `/ip4/${ip}/tcp/${port}`).sort())
  assert.ok(addresses.includes(`/ip4/127.0.0.1/tcp/${port}`))
  for (const address of addresses) {
    const dialed = await transport.dial(address)
    const { new_connections: [{ connection, local_addr }] } = await events.next().value
    assert.equal(local_addr, address)
    connection.close()
    dialed.close()
  }
})

test('IPv6 listens by itself: the same port of IPv4 stays free', { skip: !os.networkInterfaces().lo?.some(({ family }) => family === 'IPv6') }, async t => {
  const { addresses, port } = await listening(t, '/ip6/::/tcp/0')
  assert.ok(addresses.includes(`/ip6/::1/tcp/${port}`))
  assert.ok(addresses.every(address => address.startsWith('/ip6/') && !address.startsWith('/ip6/fe80')))
  await listening(t, `/ip4/127.0.0.1/tcp/${port}`)
  const connection = await transport.dial(`/ip6/::1/tcp/${port}`)
  assert.equal(connection.remote_addr, `/ip6/::1/tcp/${port}`)
  connection.close()
})

test('interfaces that come and go are told', async t => {
  let interfaces = ['192.0.2.1']
  const changing = tcpTransport({ interfaces: () => interfaces, interfacesMs: 1 })
  const { events, event, port } = await listening(t, '/ip4/0.0.0.0/tcp/0', changing)
  // Watching must not keep a process alive, and here nothing else does.
  const alive = setInterval(() => {}, 1000)
  t.after(() => clearInterval(alive))
  assert.deepEqual(event.new_addrs, [`/ip4/192.0.2.1/tcp/${port}`])
  interfaces = ['192.0.2.2']
  const change = await event.next_event
  assert.deepEqual(change.new_addrs, [`/ip4/192.0.2.2/tcp/${port}`])
  assert.deepEqual(change.expired_addrs, [`/ip4/192.0.2.1/tcp/${port}`])
  interfaces = []
  const last = await change.next_event
  assert.deepEqual(last.new_addrs, [])
  assert.deepEqual(last.expired_addrs, [`/ip4/192.0.2.2/tcp/${port}`])
  events.return()
})

test('a port that is taken fails, and then it is over', async t => {
  const { port } = await tcpPeer(t)
  const events = transport.listen_on(`/ip4/127.0.0.1/tcp/${port}`)
  await assert.rejects(events.next().value, { name: 'TransportError', code: 'local-fault', system: 'EADDRINUSE', errno: os.constants.errno.EADDRINUSE })
  assert.deepEqual(events.next(), { done: true, value: undefined })
})

test('an address of another machine fails, whether asked before or after', async () => {
  const events = transport.listen_on('/ip4/192.0.2.1/tcp/0')
  assert.ok(await staysOpen(new Promise(() => {})))
  await assert.rejects(events.next().value, { code: 'local-fault', system: 'EADDRNOTAVAIL' })
  assert.equal(events.next().done, true)
})

test('stopping expires the addresses and frees the port', async t => {
  const { events, addresses, port } = await listening(t, '/ip4/127.0.0.1/tcp/0')
  const next = events.next().value
  assert.equal(events.return().done, true)
  const last = await next
  assert.deepEqual(last.expired_addrs, addresses)
  assert.equal(last.next_event, null)
  assert.equal(events.next().done, true)
  await assert.rejects(transport.dial(addresses[0]), { code: 'refused' })
  await listening(t, `/ip4/127.0.0.1/tcp/${port}`)
})

test('stopping before it began leaves nothing open', async t => {
  const { events: before, addresses: [address] } = await listening(t, '/ip4/127.0.0.1/tcp/0')
  before.return()
  const events = transport.listen_on(address)
  events.return()
  assert.ok(await staysOpen(new Promise(() => {})))
  await assert.rejects(transport.dial(address), { code: 'refused' })
  assert.deepEqual((await events.next().value).expired_addrs, [])
  assert.equal(events.next().done, true)
})

test('connections outlive the listener, those nobody took do not', async t => {
  const { events, addresses } = await listening(t, '/ip4/127.0.0.1/tcp/0')
  const taken = await transport.dial(addresses[0])
  const { new_connections: [{ connection }] } = await events.next().value
  const left = await transport.dial(addresses[0])
  const waiting = left.read.next().value
  assert.ok(await staysOpen(waiting))
  events.return()
  assert.equal(await waiting, null)
  await connection.write(Buffer.from('still here'))
  assert.equal(String(await read(taken)), 'still here')
  for (const one of [taken, left, connection]) one.close()
})

test('who goes as soon as it has come breaks nothing', async t => {
  const { events, addresses: [address], port } = await listening(t, '/ip4/127.0.0.1/tcp/0')
  for (const leave of ['end', 'resetAndDestroy', 'destroy']) {
    const socket = net.connect(port, '127.0.0.1').on('error', () => {})
    await once(socket, 'connect')
    socket[leave]()
    const dialed = await transport.dial(address)
    // One that was reset may be gone before it is told of.
    for (;;) {
      const { new_connections: [{ connection, observed_addr }] } = await events.next().value
      const mine = observed_addr === dialed.local_addr
      if (!mine) await readAll(connection).then(bytes => assert.equal(bytes.length, 0), ({ code }) => assert.equal(code, 'reset'))
      connection.close()
      if (mine) break
    }
    dialed.close()
    socket.destroy()
  }
})

test('connections that nobody takes are limited', async t => {
  const { events, port } = await listening(t, '/ip4/127.0.0.1/tcp/0')
  const sockets = []
  let closed = 0
  t.after(() => sockets.forEach(socket => socket.destroy()))
  for (let index = 0; index < BACKLOG + 10; index++) {
    const socket = net.connect(port, '127.0.0.1')
    sockets.push(socket)
    socket.on('close', () => { closed += 1 })
    socket.on('error', () => {})
    socket.resume()
    await once(socket, 'connect')
  }
  assert.ok(await staysOpen(new Promise(() => {})))
  assert.equal(closed, 10)
  for (let index = 0; index < BACKLOG; index++) {
    const { new_connections: [{ connection }] } = await events.next().value
    connection.close()
  }
  assert.ok(await staysOpen(events.next().value))
})

test('events can be walked without the iterator, and asked for twice', async t => {
  const { event, addresses } = await listening(t, '/ip4/127.0.0.1/tcp/0')
  const next = event.next_event
  assert.equal(event.next_event, next)
  const first = await transport.dial(addresses[0])
  const second = await transport.dial(addresses[0])
  const one = await next
  assert.equal(one.new_connections[0].observed_addr, first.local_addr)
  assert.equal((await one.next_event).new_connections[0].observed_addr, second.local_addr)
  first.close()
  second.close()
})
