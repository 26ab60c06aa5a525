// What a browser does, as far as it can be played: no Node, and a WebSocket that tells nothing.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { WRITES_AHEAD, WRITE_AHEAD } from '../contract.js'
import { createTransport, tcpTransport, websocketTransport } from '../index.js'

const ADDRESS = '/dns4/node.example/tcp/80/ws'
const { getBuiltinModule } = process

beforeEach(() => { process.getBuiltinModule = undefined })
afterEach(() => {
  process.getBuiltinModule = getBuiltinModule
  delete globalThis.location
  mock.timers.reset()
})

/** A browser's WebSocket in the hands of the test. */
class PageSocket {
  static last
  CONNECTING = 0
  readyState = 0
  bufferedAmount = 0
  sent = []
  closed = 0
  constructor (url) {
    this.url = url
    PageSocket.last = this
  }

  send (data) {
    this.sent.push(data)
    this.bufferedAmount += data.byteLength
  }

  close () { this.closed += 1 }
}

const page = websocketTransport({ WebSocket: PageSocket })

async function opened () {
  const dial = page.dial(ADDRESS)
  const socket = PageSocket.last
  socket.readyState = 1
  socket.onopen()
  return { connection: await dial, socket }
}

test('TCP fails at once, with a sentence', () => {
  const sentence = { name: 'NotSupportedError', code: 'not-in-this-runtime', message: /^A page cannot open TCP connections: use/ }
  for (const transport of [tcpTransport(), createTransport()]) {
    assert.throws(() => transport.dial('/ip4/127.0.0.1/tcp/1'), sentence)
    assert.throws(() => transport.listen_on('/ip4/127.0.0.1/tcp/0'), sentence)
  }
})

test('the WebSocket of the page is taken', async () => {
  const before = globalThis.WebSocket
  globalThis.WebSocket = PageSocket
  try {
    const dial = createTransport().dial(ADDRESS)
    assert.equal(PageSocket.last.url, 'ws://node.example:80/')
    assert.equal(PageSocket.last.binaryType, 'arraybuffer')
    PageSocket.last.onclose({ code: 1006, reason: '', wasClean: false })
    await assert.rejects(dial, { code: 'opaque', closeCode: 1006 })
  } finally {
    globalThis.WebSocket = before
  }
})

test('without any WebSocket the sentence says what to do', () => {
  const before = globalThis.WebSocket
  globalThis.WebSocket = undefined
  try {
    assert.throws(() => websocketTransport().dial(ADDRESS), { name: 'NotSupportedError', code: 'not-in-this-runtime' })
  } finally {
    globalThis.WebSocket = before
  }
})

test('a refusal of the constructor is mixed content in an HTTPS page alone', () => {
  class Refusing {
    constructor () { throw new DOMException('insecure', 'SecurityError') }
  }
  const refused = websocketTransport({ WebSocket: Refusing })
  assert.throws(() => refused.dial(ADDRESS), { code: 'opaque' })
  globalThis.location = { protocol: 'https:' }
  assert.throws(() => refused.dial(ADDRESS), { code: 'mixed-content' })
  assert.throws(() => refused.dial('/dns4/node.example/tcp/443/wss'), { code: 'opaque' })
})

test('a failure without a reason is opaque, and told once', async () => {
  const dial = page.dial(ADDRESS)
  const socket = PageSocket.last
  const { onclose } = socket
  socket.onerror({ type: 'error' })
  await assert.rejects(dial, { code: 'opaque' })
  assert.equal(socket.onclose, null)
  onclose({ code: 1006, reason: '', wasClean: false })
  socket.onerror({ type: 'error' })
})

test('errors after the end change nothing', async () => {
  const { connection, socket } = await opened()
  const { onmessage, onclose } = socket
  onclose({ code: 1000, reason: '', wasClean: true })
  socket.onerror({ type: 'error' })
  onmessage({ data: new ArrayBuffer(1) })
  assert.equal(await connection.read.next().value, null)
  assert.equal(connection.read.next().done, true)
  connection.close()
  connection.close()
})

test('writes wait above the limit and go on below it', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  const { connection, socket } = await opened()
  await connection.write(new Uint8Array(WRITE_AHEAD))
  let room = false
  const write = connection.write(new Uint8Array(1)).then(() => { room = true })
  for (const ms of [1, 2, 4, 8, 16, 32, 32]) {
    mock.timers.tick(ms)
    await null
    assert.equal(room, false)
  }
  socket.bufferedAmount = WRITE_AHEAD
  mock.timers.tick(31)
  await null
  assert.equal(room, false)
  mock.timers.tick(1)
  await write
  assert.deepEqual(socket.sent.map(data => data.byteLength), [WRITE_AHEAD, 1])
})

test('many small writes wait for all of them to be out', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  const { connection, socket } = await opened()
  for (let written = 1; written < WRITES_AHEAD; written++) await connection.write(new Uint8Array(1))
  let room = false
  const write = connection.write(new Uint8Array(1)).then(() => { room = true })
  socket.bufferedAmount = 1
  mock.timers.tick(1)
  await null
  assert.equal(room, false)
  socket.bufferedAmount = 0
  mock.timers.tick(2)
  await write
})

test('a connection that breaks ends a write that waits', async () => {
  const { connection, socket } = await opened()
  const write = connection.write(new Uint8Array(WRITE_AHEAD + 1))
  socket.onclose({ code: 1006, reason: '', wasClean: false })
  await assert.rejects(write, { code: 'opaque', closeCode: 1006 })
})

test('a socket that throws on send ends writing', async () => {
  const { connection, socket } = await opened()
  socket.send = () => { throw new DOMException('not open', 'InvalidStateError') }
  await assert.rejects(connection.write(new Uint8Array(1)), { name: 'TransportError' })
  await assert.rejects(connection.write(new Uint8Array(1)), { name: 'TransportError' })
})
