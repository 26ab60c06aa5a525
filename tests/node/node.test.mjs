// p2p-probe in Node: dialed by the native program and dialing it, its exit codes, and the module that it is made of.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Report, listen, load, probe, version } from '../../js/probe.js'
import { createTransport } from '../../js/index.js'

const NATIVE = [process.env.PROGRAM]
const NODE = [process.execPath, fileURLToPath(new URL('../../js/cli.js', import.meta.url))]

/** Runs a program to its end. */
function run ([program, ...before], ...args) {
  return new Promise(resolve => {
    execFile(program, [...before, ...args], (error, stdout, stderr) => resolve({ exit: error?.code ?? 0, stdout, stderr }))
  })
}

async function report (program, ...args) {
  const { exit, stdout, stderr } = await run(program, 'dial', ...args, '--format', 'json', '--quiet')
  assert.equal(stderr, '')
  return { exit, ...JSON.parse(stdout) }
}

/** Starts to listen; gives the addresses and the events that follow. */
async function listening (t, [program, ...before], options, ...addresses) {
  const args = ['listen', '--format', 'ndjson', ...options, ...addresses.flatMap(address => ['--listen', address])]
  const child = spawn(program, [...before, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const next = async () => JSON.parse((await lines.next()).value)
  const bound = []
  for (const _ of addresses) bound.push((await next()).address)
  return { child, addresses: bound, next }
}

/** A TCP peer that accepts and says nothing. */
async function silent (t) {
  const sockets = []
  const server = net.createServer(socket => { sockets.push(socket.on('error', () => {}).resume()) })
  t.after(() => { server.close(); for (const socket of sockets) socket.destroy() })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `/ip4/127.0.0.1/tcp/${server.address().port}`
}

const SPOTS = ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws']
const stagesOf = ({ attempts: [{ stages }] }) => stages.map(({ stage, outcome }) => `${stage} ${outcome}`)

test('Node dials the native program', async t => {
  const { addresses } = await listening(t, NATIVE, ['--ephemeral'], ...SPOTS)
  const over = ['secure passed', 'multiplex passed', 'identify passed', 'ping passed']
  for (const [address, first] of [[addresses[0], 'connect passed'], [addresses[1], 'upgrade passed']]) {
    const told = await report(NODE, address, '--no-announced')
    assert.equal(told.exit, 0)
    assert.equal(told.tool.runtime, 'node')
    assert.match(told.tool.user_agent, /^Node\.js\/\d+/)
    assert.equal(told.verdict.code, 'reachable')
    assert.deepEqual(stagesOf(told), [first, ...over])
    assert.equal(told.peers[0].agent, `p2p-probe/${told.tool.version}`)
  }
  const { attempts: [{ stages: [upgrade] }] } = await report(NODE, addresses[1], '--no-announced')
  assert.deepEqual(upgrade.found.covers, ['connect'])
})

for (const [name, dialer] of [['the native program', NATIVE], ['Node', NODE]]) {
  test(`${name} dials Node, which tells of it`, async t => {
    const { child, addresses, next } = await listening(t, NODE, [], ...SPOTS)
    for (const [place, address] of addresses.entries()) {
      const told = await report(dialer, address, '--no-announced')
      assert.equal(told.exit, 0, JSON.stringify(told))
      const [seen] = await attempt(next)
      assert.equal(seen.direction, 'inbound')
      assert.equal(seen.outcome, 'passed')
      assert.equal(seen.transport, ['tcp', 'ws'][place])
      assert.ok(address.startsWith(`${seen.address}/p2p/`), `${address} ${seen.address}`)
      const observed = told.attempts[0].stages.find(({ stage }) => stage === 'identify').found.observed
      assert.equal(seen.remote, observed)
    }
    child.kill('SIGTERM')
    const [exit] = await once(child, 'exit')
    assert.equal(exit, 0)
  })
}

/** The attempts that the next events are folded to, until one ends. */
async function attempt (next) {
  await load()
  const report = new Report()
  for (;;) {
    const event = await next()
    report.apply(JSON.stringify(event))
    if (event.event === 'attempt-ended') return JSON.parse(report.json()).attempts
  }
}

test('a stranger on the port of Node is told of, and others are served on', async t => {
  const { addresses: [address], next } = await listening(t, NODE, [], SPOTS[0])
  const stranger = net.connect(Number(address.split('/')[4]), '127.0.0.1')
  stranger.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
  const [seen] = await attempt(next)
  assert.deepEqual(seen.cause, { code: 'not-libp2p', speaks: 'HTTP' })
  stranger.destroy()
  assert.equal((await report(NATIVE, address)).exit, 0)
})

test('what becomes no WebSocket at the port of Node is told of, and others are served on', async t => {
  const { addresses: [address], next } = await listening(t, NODE, [], SPOTS[1])
  const port = Number(address.split('/')[4])
  for (const [request, cause] of [
    ['GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', { code: 'http-status', status: 426, location: null }],
    ['SSH-2.0-x\r\n', { code: 'not-http', speaks: 'SSH' }],
    ['', { code: 'closed' }]
  ]) {
    net.connect(port, '127.0.0.1').resume().end(request)
    const [seen] = await attempt(next)
    assert.deepEqual([seen.direction, seen.transport, seen.cause], ['inbound', 'ws', cause])
    assert.deepEqual(seen.stages.map(({ stage, outcome }) => [stage, outcome]), [['upgrade', 'failed']])
  }
  assert.equal((await report(NATIVE, address)).exit, 0)
})

test('it ends when it is told to, whoever is connected and silent', async t => {
  const { child, addresses } = await listening(t, NODE, [], ...SPOTS)
  const guests = addresses.map(address => net.connect({ port: Number(address.split('/')[4]), host: '127.0.0.1', allowHalfOpen: true }))
  t.after(() => { for (const guest of guests) guest.destroy() })
  for (const guest of guests) guest.on('error', () => {}).resume()
  await Promise.all(guests.map(guest => once(guest, 'connect')))
  guests[1].write('G')
  // Whoever comes later has been served, so that those before have been accepted.
  for (const address of addresses) assert.equal((await report(NATIVE, address)).exit, 0)
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  assert.deepEqual(await exited, [0, null])
})

test('what cannot be meant is one sentence and exit code 2', async () => {
  for (const args of [
    ['dial'],
    ['dial', 'http://example.org'],
    ['dial', '203.0.113.7:4001'],
    ['dial', '/ip4/127.0.0.1/tcp/1', '--ping', '101'],
    ['dial', '/ip4/127.0.0.1/tcp/1', '--timeout', '10'],
    ['dial', '/ip4/127.0.0.1/tcp/1', '--transport', 'tpc'],
    ['dial', '/ip4/127.0.0.1/tcp/1', '--format', 'xml'],
    ['dial', '/ip4/127.0.0.1/tcp/1', '--resolver', 'name'],
    ['dial', '/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/2'],
    ['dial', '/ip4/127.0.0.1/tcp/1', '--no-such'],
    ['dial', '/ip4/127.0.0.1/tcp/1', '-o', '/no/such/folder/report.json'],
    ['listen', '--listen', '/ip4/127.0.0.1/udp/0/quic-v1'],
    ['listen', '--listen', '/ip4/127.0.0.1/tcp/0/wss'],
    ['listen', '--listen', 'nonsense'],
    ['serve']
  ]) {
    const { exit, stdout, stderr } = await run(NODE, ...args)
    assert.equal(exit, 2, args.join(' '))
    assert.equal(stdout, '')
    assert.match(stderr, /^error: [^\n]+\n$/, args.join(' '))
  }
})

test('an interrupt leaves the report of what was seen, and exit code 130', async t => {
  const child = spawn(NODE[0], [NODE[1], 'dial', await silent(t), '--format', 'ndjson'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const events = []
  for await (const line of createInterface(child.stdout)) {
    events.push(JSON.parse(line))
    if (events.at(-1).stage === 'secure' && events.at(-1).event === 'stage-started') child.kill('SIGINT')
  }
  const { event, report } = events.at(-1)
  assert.equal(event, 'report')
  assert.equal(report.complete, false)
  assert.deepEqual(report.attempts[0].stages.at(-1).why, { code: 'interrupted' })
  assert.equal(child.exitCode ?? (await once(child, 'exit'))[0], 130)
})

test('a closed pipe is no error', async () => {
  for (const format of ['text', 'json', 'ndjson']) {
    const child = spawn(NODE[0], [NODE[1], 'dial', '/ip4/127.0.0.1/tcp/1', '--format', format], { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.destroy()
    let words = ''
    child.stderr.on('data', bytes => { words += bytes })
    const [exit] = await once(child, 'close')
    assert.deepEqual([exit, words], [1, ''])
  }
})

test('a report reads back, and bytes are those of the native program', async () => {
  const { stdout } = await run(NATIVE, 'dial', '/ip4/127.0.0.1/tcp/1', '--format', 'json', '--quiet')
  await load()
  const report = Report.fromJson(stdout)
  assert.equal(report.json(), stdout)
  assert.equal(report.exitCode(false, false), 1)
  assert.match(report.text(80), /refused/)
  assert.throws(() => Report.fromJson('{}'), { name: 'UsageError' })
  assert.throws(() => new Report().apply('nonsense'), { name: 'UsageError' })
  assert.match(version(), /^\d+\.\d+\.\d+/)
})

test('the module: events, a signal, and what cannot be meant', async t => {
  const events = []
  const stop = new AbortController()
  const report = await probe(await silent(t), { signal: stop.signal, timeoutMs: 60_000, deadlineMs: 60_000 }, line => {
    events.push(JSON.parse(line))
    if (events.at(-1).stage === 'secure') stop.abort()
  })
  assert.deepEqual(events.at(-1), { ...events.at(-1), event: 'run-ended', complete: false })
  assert.equal(JSON.parse(report.json()).attempts[0].stages.at(-1).why.code, 'interrupted')
  const before = await probe('/ip4/127.0.0.1/tcp/1', { signal: AbortSignal.abort() })
  assert.equal(JSON.parse(before.json()).complete, false)
  await assert.rejects(probe('nonsense'), { name: 'UsageError' })
  await assert.rejects(probe('/ip4/127.0.0.1/tcp/1', { pings: 1.5 }), { name: 'UsageError' })
  await assert.rejects(probe('/ip4/127.0.0.1/tcp/1', { timeoutMs: NaN }), { name: 'UsageError' })
  await assert.rejects(probe('/ip4/127.0.0.1/tcp/1', { transport: 7 }), { name: 'UsageError' })
  await assert.rejects(probe('/ip4/127.0.0.1/tcp/1', {}, () => { throw new Error('mine') }), /mine/)
})

test('aborting from within onEvent, while the program is on the stack, ends a run and a node', async t => {
  const address = await silent(t)
  for (const first of ['run-started', 'attempt-planned', 'attempt-started', 'stage-started']) {
    const stop = new AbortController()
    const report = await probe(address, { signal: stop.signal, timeoutMs: 60_000, deadlineMs: 60_000 }, line => {
      if (JSON.parse(line).event === first) stop.abort()
    })
    assert.equal(JSON.parse(report.json()).complete, false, first)
  }
  const stop = new AbortController()
  const told = []
  await listen([SPOTS[0]], { signal: stop.signal }, line => {
    told.push(JSON.parse(line).event)
    stop.abort()
  })
  assert.deepEqual(told, ['listening'])
})

test('a transport that breaks its contract ends in a report', async () => {
  const broken = { read: [].values(), write: async () => {}, shutdown () {}, close () { throw new Error('mine') } }
  const dials = [() => undefined, async () => null, async () => broken, async () => ({ ...broken, read: [Promise.resolve('text')].values() }), async () => ({ ...broken, read: null })]
  for (const dial of dials) {
    const report = JSON.parse((await probe('/ip4/127.0.0.1/tcp/1', { transport: { dial } })).json())
    const [{ outcome, cause }] = report.attempts
    assert.deepEqual([report.complete, outcome, cause.code], [true, 'failed', dial === dials[2] ? 'closed' : 'local-fault'])
  }
})

test('what a platform does not take is a fault of this machine, not of a stage that cannot have it', async () => {
  const dial = () => { throw Object.assign(new Error('not this one'), { name: 'NotSupportedError', code: 'unsupported-address' }) }
  const [{ cause, stages }] = JSON.parse((await probe('/ip4/127.0.0.1/tcp/1/ws', { transport: { dial } })).json()).attempts
  assert.deepEqual([cause, stages.map(({ stage }) => stage)], [{ code: 'local-fault', errno: null }, ['upgrade']])
})

test('names are left to the platform where a program cannot ask', async t => {
  const address = (await silent(t)).replace('/ip4/127.0.0.1', '/dns4/localhost')
  const told = async target => JSON.parse((await probe(target, { names: null, timeoutMs: 300 })).json())
  const { attempts: [byName] } = await told(address)
  assert.deepEqual(byName.stages.map(({ stage }) => stage), ['connect', 'secure'])
  assert.equal(byName.remote, address)
  const { attempts: [dnsaddr], verdict } = await told('/dnsaddr/bootstrap.libp2p.io')
  assert.equal(dnsaddr.why.code, 'not-in-this-runtime')
  assert.equal(verdict.ok, null)
})

test('a run that is over leaves no timer behind', async t => {
  const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
  const before = timers()
  await probe(await silent(t), { transport: createTransport(), timeoutMs: 100 })
  assert.ok(timers() <= before)
})

test('without the package ws it says what to install, where Node has no WebSocket of its own', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-probe-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const program = fileURLToPath(new URL('../../js/', import.meta.url))
  cpSync(program, folder, { recursive: true, filter: path => !path.includes('node_modules') })
  const { exit, attempts: [{ cause, stages: [{ message }] }], verdict } = await report([process.execPath, join(folder, 'cli.js')], '/ip4/127.0.0.1/tcp/9/ws')
  assert.equal(exit, 1)
  if (globalThis.WebSocket !== undefined) return assert.equal(cause.code, 'opaque')
  assert.equal(cause.code, 'local-fault')
  assert.match(message, /install the npm package ws/)
  assert.match(verdict.hints[0].text, /^It is for this machine to mend: .*install the npm package ws/)
})
