// libp2p-wasm-ext's own `ExtTransport`, with the libp2p of its time, over the transports of js/ in Node; and the crate's own
// transport under ours.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { createTransport, websocketTransport } from '../../js/index.js'
import { load, probe } from '../../js/probe.js'
import { MIB, PackageSocket, sockets, tcpPeer, wsPeer } from '../../js/test/helpers.js'

const { PROGRAM, DRIVER } = process.env
const driver = await import(`${DRIVER}/driver.js`)
driver.initSync({ module: readFileSync(`${DRIVER}/driver_bg.wasm`) })

const transport = createTransport()

/** `p2p-probe listen`; gives its address. */
async function listener (t, address) {
  const child = spawn(PROGRAM, ['listen', '--ephemeral', '--format', 'ndjson', '--quiet', '--listen', address], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill())
  for await (const line of createInterface(child.stdout)) {
    const { event, address } = JSON.parse(line)
    if (event !== 'listening') continue
    child.stdout.resume()
    return { address, peer: address.split('/p2p/')[1] }
  }
  throw new Error('it does not listen')
}

/** Listens by the driver; gives its address, what it tells, and how to stop it, which the crate does not know. */
async function listening (t, address) {
  const told = []
  let iterator
  const stoppable = { ...transport, listen_on: address => (iterator = transport.listen_on(address)) }
  let heard
  const first = new Promise(resolve => { heard = resolve })
  const ended = driver.listen(stoppable, address, (what, detail) => {
    told.push(what)
    if (what === 'address') heard(detail)
  })
  ended.catch(() => {})
  t.after(() => iterator?.return())
  return { address: await Promise.race([first, ended]), told, ended, stop: () => iterator.return() }
}

test('TCP: it dials, and its pings are answered', async t => {
  const { address, peer } = await listener(t, '/ip4/127.0.0.1/tcp/0')
  assert.equal(await driver.dial(transport, address, 20), peer)
})

for (const [name, WebSocket] of sockets) {
  test(`WebSocket, ${name}: it dials, and its pings are answered`, async t => {
    const { address, peer } = await listener(t, '/ip4/127.0.0.1/tcp/0/ws')
    assert.equal(await driver.dial(websocketTransport({ WebSocket }), address, 20), peer)
  })
}

/** A report over the crate's own WebSocket transport. It takes the platform's, which Node has from version 22. */
async function probeByTheirs (t, address, pings) {
  const platform = globalThis.WebSocket
  globalThis.WebSocket = platform ?? PackageSocket
  t.after(() => { globalThis.WebSocket = platform })
  await load()
  return JSON.parse((await probe(address, { transport: driver.upstream_websockets(), announced: false, pings })).json())
}

test('the crate\'s own WebSocket transport under our engine', async t => {
  const { address, peer } = await listener(t, '/ip4/127.0.0.1/tcp/0/ws')
  const report = await probeByTheirs(t, address, 20)
  const [{ stages }] = report.attempts
  assert.deepEqual(stages.map(({ stage, outcome }) => `${stage} ${outcome}`),
    ['upgrade', 'secure', 'multiplex', 'identify', 'ping'].map(stage => `${stage} passed`))
  assert.equal(stages.at(-1).found.received, 20)
  assert.equal(report.peers[0].id, peer)
})

// Its `close` does nothing.
test('the crate\'s own WebSocket transport: a connection that comes to nothing is closed', async t => {
  const peer = await wsPeer(t, { handle: socket => socket.send('garbage') })
  const [report, socket] = await Promise.all([probeByTheirs(t, peer.address, 1), peer.next()])
  assert.equal(report.attempts[0].stages.at(-1).stage, 'secure')
  if (socket.readyState !== socket.CLOSED) await once(socket, 'close')
})

test('the crate\'s own WebSocket transport: of a port that refuses it nothing is told', async t => {
  const { attempts: [{ cause }] } = await probeByTheirs(t, '/ip4/127.0.0.1/tcp/1/ws', 1)
  assert.equal(cause.code, 'opaque')
})

test('TCP: it listens, and p2p-probe reaches it', async t => {
  const { address, told, ended, stop } = await listening(t, '/ip4/127.0.0.1/tcp/0')
  const { stdout } = await promisify(execFile)(PROGRAM, ['dial', address, '--format', 'json', '--quiet'])
    .catch(error => error)
  const { attempts: [{ stages }], transports } = JSON.parse(stdout)
  assert.equal(transports.tcp, 'passed')
  assert.equal(stages.find(({ stage }) => stage === 'ping').outcome, 'passed')
  stop()
  await ended
  assert.deepEqual(told.filter((what, at) => told.indexOf(what) === at && what !== 'pinged'), ['address', 'connected', 'disconnected', 'expired'])
})

test('TCP: it listens and dials itself, many at once', async t => {
  const { address, told, ended, stop } = await listening(t, '/ip4/127.0.0.1/tcp/0')
  const peers = await Promise.all(Array.from({ length: 20 }, () => driver.dial(transport, address, 3)))
  assert.deepEqual(peers, Array.from({ length: 20 }, () => address.split('/p2p/')[1]))
  stop()
  await ended
  assert.equal(told.filter(what => what === 'connected').length, 20)
})

test('TCP: all bytes of a bare connection, with a half-close', async t => {
  const peer = await tcpPeer(t)
  const echoed = driver.echo(transport, peer.address, 16 * MIB)
  const socket = await peer.next()
  socket.pipe(socket)
  assert.equal(await echoed, 16 * MIB)
})

test('TCP: the end and a reset are told apart', async t => {
  const peer = await tcpPeer(t)
  const read = async how => {
    let dialed
    const watched = { dial: address => (dialed = transport.dial(address)) }
    const ended = driver.read_to_end(watched, peer.address)
    const socket = await peer.next()
    // A reset that comes sooner is one of the dial.
    await dialed
    how(socket)
    return ended
  }
  assert.equal(await read(socket => socket.end('all')), 'end')
  assert.match(await read(socket => socket.write('a part', () => socket.resetAndDestroy())), /ECONNRESET/)
})

test('what cannot be dialed is told', async t => {
  const { port } = await tcpPeer(t)
  const rejects = (address, words) => assert.rejects(driver.dial(transport, address, 1), words)
  await rejects('/ip4/127.0.0.1/udp/1/quic-v1', /MultiaddrNotSupported/)
  await rejects('/ip4/127.0.0.1/tcp/1', /ECONNREFUSED/)
  await assert.rejects(driver.listen(transport, `/ip4/127.0.0.1/tcp/${port}`, () => {}), /EADDRINUSE/)
})
