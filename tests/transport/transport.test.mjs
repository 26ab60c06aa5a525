// The Transport of wasm-probe: over the transports of js/, and over hosts made here that do what those do seldom.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createTransport } from '../../js/index.js'
import { TransportError } from '../../js/errors.js'
import { MIB, tcpPeer } from '../../js/test/helpers.js'

const { DRIVER } = process.env
const driver = await import(`${DRIVER}/transport_driver.js`)
driver.initSync({ module: readFileSync(`${DRIVER}/transport_driver_bg.wasm`) })

const ADDRESS = '/ip4/127.0.0.1/tcp/1'

/** A promise and how to settle it. */
function later () {
  let settle
  const promise = new Promise((resolve, reject) => { settle = { resolve, reject } })
  promise.catch(() => {})
  return { promise, ...settle }
}

/** A host whose connection does what the test says. Notes each call. */
function host () {
  const calls = []
  const reads = []
  const asked = []
  const writes = []
  const connection = {
    read: { next () { calls.push('next'); const next = reads.shift() ?? later(); asked.push(next); return { done: next.done ?? false, value: next.promise } } },
    write (bytes) { calls.push(`write ${bytes.length}`); const write = later(); writes.push(write); return write.promise },
    shutdown () { calls.push('shutdown') },
    close () { calls.push('close') }
  }
  return { calls, reads, asked, writes, connection, transport: { dial: async () => connection, listen_on: () => { throw new Error('no') } } }
}

/** Whether a promise has settled after the program and the host had their turns. */
async function settled (promise) {
  let done = false
  promise.then(() => { done = true }, () => { done = true })
  for (let turns = 0; turns < 5; turns++) await turn()
  return done
}

const bytes = (...values) => new Uint8Array(values)

test('a read waits for the host, and is woken', async () => {
  const { asked, transport } = host()
  const stream = await driver.open(transport, ADDRESS)
  const read = stream.read(10)
  assert.equal(await settled(read), false)
  asked[0].resolve(bytes(1, 2, 3).buffer)
  assert.deepEqual(await read, bytes(1, 2, 3))
})

test('what came at once is read in parts, without another question', async () => {
  const { asked, calls, transport } = host()
  const stream = await driver.open(transport, ADDRESS)
  const read = stream.read(2)
  await turn()
  asked[0].resolve(bytes(1, 2, 3, 4, 5).buffer)
  assert.deepEqual(await read, bytes(1, 2))
  assert.deepEqual(await stream.read(2), bytes(3, 4))
  assert.deepEqual(await stream.read(2), bytes(5))
  assert.equal(calls.filter(call => call === 'next').length, 1)
})

test('the end stays the end', async () => {
  const { asked, calls, transport } = host()
  const stream = await driver.open(transport, ADDRESS)
  const read = stream.read(2)
  await turn()
  asked[0].resolve(null)
  assert.equal((await read).length, 0)
  assert.equal((await stream.read(2)).length, 0)
  assert.equal(calls.filter(call => call === 'next').length, 1)
})

test('an empty buffer of another host is no end', async () => {
  const { asked, transport } = host()
  const stream = await driver.open(transport, ADDRESS)
  const read = stream.read(2)
  await turn()
  asked[0].resolve(new ArrayBuffer(0))
  assert.equal(await settled(read), false)
  asked[1].resolve(bytes(7).buffer)
  assert.deepEqual(await read, bytes(7))
})

test('an error of reading keeps its type and is told once', async () => {
  const { asked, transport } = host()
  const stream = await driver.open(transport, ADDRESS)
  const read = stream.read(2)
  await turn()
  asked[0].reject(new TransportError('reset', 'read ECONNRESET'))
  await assert.rejects(read, /^Error: reset: read ECONNRESET/)
  await assert.rejects(stream.read(2), /NotConnected/)
})

test('one write at a time: the next waits for room, and so do flush and close', async () => {
  const { calls, writes, transport } = host()
  const stream = await driver.open(transport, ADDRESS)
  assert.equal(await stream.write(bytes(1, 2, 3)), 3)
  const second = stream.write(bytes(4))
  assert.equal(await settled(second), false)
  assert.deepEqual(calls, ['write 3'])
  writes[0].resolve()
  assert.equal(await second, 1)
  const flushed = stream.flush()
  assert.equal(await settled(flushed), false)
  writes[1].resolve()
  await flushed
  await stream.write(bytes(5))
  const closed = stream.close()
  assert.equal(await settled(closed), false)
  assert.ok(!calls.includes('shutdown'))
  writes[2].resolve()
  await closed
  assert.equal(calls.at(-1), 'shutdown')
  await stream.close()
  assert.equal(calls.filter(call => call === 'shutdown').length, 1)
  await assert.rejects(stream.write(bytes(6)), /BrokenPipe/)
})

test('a write that fails ends writing, and reading goes on', async () => {
  const { asked, writes, transport } = host()
  const stream = await driver.open(transport, ADDRESS)
  await stream.write(bytes(1))
  writes[0].reject(new TransportError('closed', 'write EPIPE'))
  await assert.rejects(stream.write(bytes(2)), /^Error: closed: write EPIPE/)
  await assert.rejects(stream.write(bytes(3)), /BrokenPipe/)
  const read = stream.read(2)
  await turn()
  asked[0].resolve(bytes(9).buffer)
  assert.deepEqual(await read, bytes(9))
})

test('reading and writing wake each their own', async () => {
  const { asked, writes, transport } = host()
  const stream = await driver.open(transport, ADDRESS)
  const read = stream.read(1)
  await stream.write(bytes(1))
  const flush = stream.flush()
  assert.equal(await settled(flush), false)
  asked[0].resolve(bytes(8).buffer)
  assert.deepEqual(await read, bytes(8))
  assert.equal(await settled(flush), false)
  writes[0].resolve()
  await flush
})

// Of some hosts it is `shutdown` alone that ends a connection.
test('a connection that is dropped is ended and closed', async () => {
  const { calls, transport } = host()
  const stream = await driver.open(transport, ADDRESS)
  stream.free()
  assert.deepEqual(calls, ['shutdown', 'close'])
})

test('a connection whose side was ended is closed alone', async () => {
  const { calls, transport } = host()
  const stream = await driver.open(transport, ADDRESS)
  await stream.close()
  stream.free()
  assert.deepEqual(calls, ['shutdown', 'close'])
})

test('a host that promises an end, and rejects it, is not listened to', async t => {
  const unhandled = t.mock.fn()
  process.on('unhandledRejection', unhandled)
  t.after(() => process.off('unhandledRejection', unhandled))
  const { connection, transport } = host()
  connection.shutdown = connection.close = async () => { throw new Error('mine') }
  const ended = await driver.open(transport, ADDRESS)
  await ended.close()
  ended.free()
  const dropped = await driver.open(transport, ADDRESS)
  dropped.free()
  assert.equal(await settled(new Promise(() => {})), false)
  assert.equal(unhandled.mock.callCount(), 0)
})

// An exception that passed through the program would lose the task that called, and whoever waits for it.
const thrown = { name: 'TransportError', code: 'reset', message: 'mine' }
const mine = () => { throw thrown }

test('a host that throws when it is to close is not listened to', async () => {
  const { connection, transport } = host()
  connection.shutdown = connection.close = mine
  const stream = await driver.open(transport, ADDRESS)
  assert.doesNotThrow(() => stream.free())
})

test('a dial that brings no connection is a fault of this machine', async () => {
  const throwing = Object.defineProperty({}, 'read', { get: mine })
  for (const none of [undefined, null, 7, 'text', {}, { read: {} }, { read: { next: 7 } }, throwing]) {
    const words = /^Error: local-fault: the JS transport breaks its contract: the read of a connection is no iterator/
    await assert.rejects(driver.open({ dial: async () => none }, ADDRESS), words)
    await assert.rejects(driver.open({ dial: () => none }, ADDRESS), words)
  }
  // What has been dialed is let go, as far as it can be.
  let closed = false
  await assert.rejects(driver.open({ dial: async () => ({ close () { closed = true } }) }, ADDRESS), /local-fault/)
  assert.equal(closed, true)
})

test('calls that throw, and what is no promise, are told where they happen', async () => {
  const { connection, transport } = host()
  connection.write = mine
  connection.shutdown = mine
  connection.read.next = mine
  const stream = await driver.open(transport, ADDRESS)
  await assert.rejects(stream.write(bytes(1)), /^Error: reset: mine/)
  await assert.rejects(stream.read(1), /^Error: reset: mine/)
  await assert.rejects(stream.close(), /^Error: reset: mine/)

  const careless = host()
  careless.connection.write = () => {}
  const writing = await driver.open(careless.transport, ADDRESS)
  assert.equal(await writing.write(bytes(1)), 1)
  await writing.flush()
})

test('what is read has to be bytes or the end', async () => {
  for (const step of [undefined, null, 7, 'text']) {
    const { connection, transport } = host()
    connection.read.next = () => step
    await assert.rejects((await driver.open(transport, ADDRESS)).read(1), /^Error: local-fault: .*an iterator gave no result/)
  }
  for (const value of [undefined, 7, 'text', [1, 2]]) {
    const { connection, transport } = host()
    connection.read.next = () => ({ done: false, value })
    await assert.rejects((await driver.open(transport, ADDRESS)).read(1), /^Error: local-fault: .*neither bytes nor null/)
  }
})

test('bytes that a host takes back are not read', async () => {
  const { asked, transport } = host()
  const stream = await driver.open(transport, ADDRESS)
  const first = stream.read(1)
  await turn()
  const { buffer } = bytes(1, 2, 3)
  asked[0].resolve(buffer)
  assert.deepEqual(await first, bytes(1))
  structuredClone(buffer, { transfer: [buffer] })
  await assert.rejects(stream.read(1), /^Error: local-fault: .*bytes were taken back/)

  const other = host()
  const reading = (await driver.open(other.transport, ADDRESS)).read(1)
  await turn()
  const gone = bytes(1, 2, 3).buffer
  structuredClone(gone, { transfer: [gone] })
  other.asked[0].resolve(gone)
  assert.equal(await settled(reading), false)
})

test('an error whose members throw is still one', async () => {
  const error = Object.defineProperties(new Error('words'), { code: { get: mine }, message: { get: mine }, name: { get: mine } })
  await assert.rejects(driver.open({ dial: () => { throw error } }, ADDRESS), /^Error: local-fault/)
  await assert.rejects(driver.give_up({ dial: () => { throw error } }, ADDRESS), /Other/)
})

test('a write is bounded', async () => {
  const { calls, transport } = host()
  const stream = await driver.open(transport, ADDRESS)
  assert.equal(await stream.write(new Uint8Array(MIB)), MIB / 4)
  assert.deepEqual(calls, [`write ${MIB / 4}`])
})

test('a dial that is dropped is aborted', async () => {
  let signal
  const transport = { dial: (_address, _role, given) => { signal = given; return new Promise(() => {}) } }
  assert.equal(await driver.give_up(transport, ADDRESS), false)
  assert.equal(signal.aborted, true)
})

test('a dial that is dropped and succeeds all the same is closed', async () => {
  const dialed = later()
  const { calls, connection } = host()
  assert.equal(await driver.give_up({ dial: () => dialed.promise }, ADDRESS), false)
  dialed.resolve(connection)
  await settled(dialed.promise)
  assert.deepEqual(calls, ['shutdown', 'close'])
})

test('a dial that came about is not aborted when it is over', async () => {
  let signal
  const { connection } = host()
  const transport = { dial: async (_address, _role, given) => { signal = given; return connection } }
  const stream = await driver.open(transport, ADDRESS)
  assert.equal(signal.aborted, false)
  stream.free()
})

test('every code of a host is a cause', async () => {
  const table = {
    refused: 'refused',
    unreachable: 'unreachable',
    'forbidden-locally': 'forbidden-locally',
    'local-fault': 'local-fault',
    'timed-out': 'timed-out',
    reset: 'reset',
    closed: 'closed',
    'tls-failed': 'tls-failed',
    'http-status': 'http-status',
    'not-http': 'not-http',
    'websocket-failed': 'websocket-failed',
    opaque: 'opaque',
    'mixed-content': 'mixed-content',
    'name-not-found': 'name-not-found',
    'name-lookup-failed': 'name-lookup-failed',
    interrupted: 'interrupted',
    'unsupported-address': 'local-fault',
    'not-in-this-runtime': 'local-fault',
    overrun: 'local-fault',
    'some-new-code': 'local-fault'
  }
  for (const [code, cause] of Object.entries(table)) {
    const transport = { dial: async () => { throw new TransportError(code, 'words') } }
    await assert.rejects(driver.open(transport, ADDRESS), new RegExp(`^Error: ${cause}: words`))
  }
  for (const thrown of ['text', null, undefined, 7, {}, new Error('words')]) {
    await assert.rejects(driver.open({ dial: async () => { throw thrown } }, ADDRESS), /^Error: local-fault/)
    await assert.rejects(driver.open({ dial: () => { throw thrown } }, ADDRESS), /^Error: local-fault/)
  }
  // The events of a WebSocket say nothing of why it failed; a CloseEvent has a number as its code.
  for (const event of [new Event('error'), { type: 'close', code: 1006, reason: '', wasClean: false }]) {
    await assert.rejects(driver.open({ dial: async () => { throw event } }, ADDRESS), /^Error: opaque/)
  }
})

test('what a host cannot dial is another error than a dial that failed', async () => {
  const transport = createTransport()
  await assert.rejects(driver.give_up(transport, '/ip4/127.0.0.1/udp/1/quic-v1'), /MultiaddrNotSupported/)
  await assert.rejects(driver.serve_echo(transport, '/ip4/127.0.0.1/tcp/0/wss', () => {}), /MultiaddrNotSupported/)
})

test('TCP: all bytes both ways, with a half-close', async t => {
  const peer = await tcpPeer(t)
  const echoed = driver.echo(createTransport(), peer.address, 16 * MIB)
  const socket = await peer.next()
  socket.pipe(socket)
  assert.equal(await echoed, 16 * MIB)
})

test('TCP: it listens, and a listener that is removed expires and closes', async () => {
  const transport = createTransport()
  const told = []
  let dialed
  const done = driver.serve_echo(transport, '/ip4/127.0.0.1/tcp/0', (what, detail) => {
    told.push(what)
    if (what === 'address') dialed = driver.echo(transport, detail, MIB)
    return what === 'incoming'
  })
  await done
  assert.equal(await dialed, MIB)
  assert.deepEqual(told, ['address', 'incoming', 'expired', 'closed'])
})

test('a host that ends listening, or fails, is told of', async () => {
  const event = event => ({ done: false, value: Promise.resolve(event) })
  const play = async steps => {
    const told = []
    const listen_on = () => ({ next: () => steps.shift() ?? { done: true } })
    await driver.serve_echo({ dial () {}, listen_on }, ADDRESS, (...all) => { told.push(all.join(' ')) }).catch(error => told.push(error.message))
    return told
  }
  assert.deepEqual(await play([event({ new_addrs: [ADDRESS] })]), [`address ${ADDRESS}`, `expired ${ADDRESS}`, 'closed '])
  assert.deepEqual(await play([event({ new_addrs: [ADDRESS] }), event({ expired_addrs: [ADDRESS] })]), [`address ${ADDRESS}`, `expired ${ADDRESS}`, 'closed '])
  const [, ...rest] = await play([event({ new_addrs: [ADDRESS] }), { done: false, value: Promise.reject(new TransportError('local-fault', 'gone')) }])
  assert.deepEqual(rest, [`expired ${ADDRESS}`, 'closed Error: local-fault: gone', 'local-fault: gone'])
  const wrong = what => `error the JS transport breaks its contract: ${what}`
  for (const address of ['nonsense', 7, null, undefined, {}]) {
    assert.deepEqual(await play([event({ new_addrs: [address] })]), [wrong('an address is none'), 'closed '])
  }
  // What no host should tell, after which it may go on.
  for (const none of [null, undefined, 7, 'text']) {
    assert.deepEqual(await play([event(none), event({ new_addrs: [ADDRESS] })]), [wrong('an event is none'), `address ${ADDRESS}`, `expired ${ADDRESS}`, 'closed '])
  }
  const unread = wrong('the read of a connection is no iterator')
  for (const none of [null, undefined, 7, {}, { connection: null }, { connection: {} }, { get connection () { throw new Error('mine') } }]) {
    assert.deepEqual(await play([event({ new_connections: [none] })]), [unread, 'closed '])
  }
  for (const list of [null, 7, 'text', {}]) {
    assert.deepEqual(await play([event({ new_addrs: list, new_connections: list, failed_connections: list, expired_addrs: list })]), ['closed '])
  }
  const throws = { get () { throw new Error('mine') } }
  const all = Object.fromEntries(['new_addrs', 'new_connections', 'failed_connections', 'expired_addrs'].map(name => [name, throws]))
  assert.deepEqual(await play([event(Object.defineProperties({}, all)), event({ failed_connections: [null, {}] })]), ['closed '])
  // A step that is none ends it.
  const [closed] = await play([7])
  assert.match(closed, /^closed Error: local-fault: .*an iterator gave no result/)
})

test('a connection whose host should have closed it is closed', async () => {
  const { connection, calls } = host()
  const steps = [{ done: false, value: Promise.resolve({ new_connections: [{ connection, local_addr: 'nonsense', observed_addr: ADDRESS }] }) }]
  const told = []
  await driver.serve_echo({ dial () {}, listen_on: () => ({ next: () => steps.shift() ?? { done: true } }) }, ADDRESS, what => { told.push(what) })
  assert.deepEqual([told, calls], [['error', 'closed'], ['shutdown', 'close']])
})

test('a connection that came to a listener and was not seen before it was dropped is closed', async () => {
  const { connection, calls } = host()
  const event = Promise.resolve({ new_connections: [{ connection, local_addr: ADDRESS, observed_addr: ADDRESS }] })
  const listen_on = () => ({ next: () => ({ done: false, value: event }) })
  assert.equal(await driver.give_up_listening({ dial () {}, listen_on }, ADDRESS), false)
  await settled(event)
  assert.deepEqual(calls, ['shutdown', 'close'])
})

test('what listen_on gives has to be an iterator', async () => {
  for (const none of [undefined, null, 7, {}, []]) {
    await assert.rejects(driver.serve_echo({ dial () {}, listen_on: () => none }, ADDRESS, () => {}), /what listen_on gives is no iterator/)
  }
})
