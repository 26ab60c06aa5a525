// p2p-probe in Node: dialed by the native program and dialing it, its exit codes, and the module that it is made of.
import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, lstatSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Report, listen, load, probe, version } from '../../js/probe.js'
import { createTransport, tcpTransport } from '../../js/index.js'

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

/** What a peer announces to the native program, over IPv4 and TCP, by host. */
async function announced (address) {
  const { exit, peers: [{ announced }] } = await report(NATIVE, address, '--no-announced')
  assert.equal(exit, 0)
  return announced.map(({ address }) => address.split('/')[2]).sort()
}

test('on all interfaces Node prints each address, and tells it to who dials', async t => {
  const hosts = [...new Set(Object.values(networkInterfaces()).flat().filter(({ family }) => family === 'IPv4').map(({ address }) => address))].sort()
  for (const format of ['text', 'ndjson']) {
    const child = spawn(NODE[0], [NODE[1], 'listen', '--listen', '/ip4/0.0.0.0/tcp/0', '--format', format], { stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => child.kill('SIGKILL'))
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    const told = []
    while (told.length < hosts.length) {
      const { value } = await lines.next()
      told.push(format === 'text' ? value : JSON.parse(value).address)
    }
    assert.deepEqual(told.map(address => address.split('/')[2]).sort(), hosts)
    assert.deepEqual(await announced(told.find(address => address.includes('/127.'))), hosts)
    const exited = once(child, 'exit')
    child.kill('SIGINT')
    assert.deepEqual(await exited, [0, null])
  }
})

/** Listens in this process, on interfaces that the test says; `next` gives the next address that is told. */
function everywhere (t, interfaces) {
  const stop = new AbortController()
  t.after(() => stop.abort())
  const [told, askers] = [[], []]
  const transport = createTransport({ tcp: tcpTransport({ interfaces, interfacesMs: 5 }) })
  const ended = listen(['/ip4/0.0.0.0/tcp/0'], { transport, signal: stop.signal }, line => {
    const { event, address } = JSON.parse(line)
    if (event !== 'listening') return
    if (askers.length > 0) askers.shift()(address)
    else told.push(address)
  })
  const next = () => told.length > 0 ? Promise.resolve(told.shift()) : new Promise(resolve => askers.push(resolve))
  return { ended, next, stop: () => stop.abort() }
}

test('an interface that comes later is told of, one that goes is told no more', async t => {
  let hosts = []
  const asked = later()
  const { ended, next, stop } = everywhere(t, () => { asked.resolve(); return hosts })
  // It listens, though at no address yet.
  await asked.promise
  hosts = ['127.0.0.1']
  const first = await next()
  assert.match(first, /^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3/)
  hosts = ['127.0.0.1', '127.0.0.2']
  assert.equal(await next(), first.replace('127.0.0.1', '127.0.0.2'))
  assert.deepEqual(await announced(first), ['127.0.0.1', '127.0.0.2'])
  hosts = ['127.0.0.2', '127.0.0.3']
  assert.equal(await next(), first.replace('127.0.0.1', '127.0.0.3'))
  assert.deepEqual(await announced(first), ['127.0.0.2', '127.0.0.3'])
  stop()
  await ended
})

test('a signal ends a node that is at no address yet', async t => {
  const asked = later()
  const { ended, stop } = everywhere(t, () => { asked.resolve(); return [] })
  await asked.promise
  stop()
  await ended
})

test('a signal ends a node whose ports are not bound yet, and a port that fails later ends it with an error', async () => {
  const stop = new AbortController()
  const [asked, failed] = [later(), later()]
  const events = { next () { asked.resolve(); return { done: false, value: failed.promise } }, return () { return { done: true } } }
  const transport = { dial () {}, listen_on: () => events }
  const ended = listen(['/ip4/127.0.0.1/tcp/0'], { transport, signal: stop.signal }, () => {})
  await asked.promise
  stop.abort()
  await ended
  const steps = [Promise.resolve({ new_addrs: ['/ip4/127.0.0.1/tcp/1'] }), failed.promise]
  events.next = () => ({ done: false, value: steps.shift() })
  const told = []
  const failing = listen(['/ip4/127.0.0.1/tcp/0'], { transport }, line => {
    told.push(JSON.parse(line).event)
    failed.reject(new Error('the cable'))
  })
  await assert.rejects(failing, /cannot listen: the cable/)
  assert.deepEqual(told, ['listening'])
})

/** A promise and how to settle it. */
function later () {
  let settle
  const promise = new Promise((resolve, reject) => { settle = { resolve, reject } })
  return { promise, ...settle }
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

/** Silent dialers at a port, from these addresses of this machine; those that are let go say so. */
async function guests (t, port, from) {
  const sockets = from.map(localAddress => net.connect({ port, host: '127.0.0.1', localAddress }).on('error', () => {}).resume())
  t.after(() => { for (const socket of sockets) socket.destroy() })
  const gone = sockets.map(socket => once(socket, 'close'))
  await Promise.all(sockets.map(socket => once(socket, 'connect')))
  return { sockets, gone }
}

test('Node serves so many of one place, tells of few of those it turns away, and serves others', async t => {
  const { addresses: [address], next } = await listening(t, NODE, [], SPOTS[0])
  const port = Number(address.split('/')[4])
  const { sockets: [one] } = await guests(t, port, Array(32).fill('127.0.2.1'))
  for (let started = 0; started < 32;) started += (await next()).event === 'attempt-started' ? 1 : 0
  const { gone } = await guests(t, port, Array(60).fill('127.0.2.1'))
  await Promise.all(gone)
  assert.equal((await report(NATIVE, address)).exit, 0)
  const refused = []
  for (;;) {
    const told = await next()
    if (told.why?.code === 'over-limit') refused.push(told.t_ms)
    // The native program came later.
    else if (told.event === 'attempt-ended') break
  }
  const seconds = Math.floor(refused.at(-1) / 1000) - Math.floor(refused[0] / 1000) + 1
  assert.ok(refused.length >= 5 && refused.length <= 5 * (seconds + 1), `${refused}`)
  // A place that is left is free again.
  one.destroy()
  while ((await next()).event !== 'attempt-ended');
  const { gone: [served] } = await guests(t, port, ['127.0.2.1'])
  assert.equal(await Promise.race([served.then(() => 'turned away'), next().then(({ event, why }) => why?.code ?? event)]), 'attempt-planned')
})

test('a flood of dialers is counted, not written down', async t => {
  const child = spawn(NODE[0], [NODE[1], 'listen', '--listen', SPOTS[0]], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const port = Number((await lines.next()).value.split('/')[4])
  const from = Array.from({ length: 200 }, (_, index) => `127.0.2.${1 + index % 10}`)
  const { sockets, gone } = await guests(t, port, from)
  for (const socket of sockets) socket.write('SSH-2.0-x\r\n')
  await Promise.all(gone)
  child.kill('SIGTERM')
  let [written, leftOut] = [0, 0]
  for await (const line of lines) {
    const more = /^… (\d+) more$/.exec(line)
    if (more === null) assert.match(line, /spoke SSH, not libp2p/)
    if (more === null) written += 1
    else leftOut += Number(more[1])
  }
  assert.equal(written + leftOut, 200)
  assert.ok(leftOut > 0)
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

test('what cannot be meant is one sentence, that names what to write instead, and exit code 2', async () => {
  const some = '/ip4/127.0.0.1/tcp/1'
  for (const [args, ...words] of [
    [['dial']],
    [['dial', 'http://example.org']],
    [['dial', '203.0.113.7:4001']],
    [['dial', some, '--ping', '101'], '--ping ', 'from 0 to 100', '101'],
    [['dial', some, '--ping', 'many'], '--ping ', 'from 0 to 100', '"many"'],
    [['dial', some, '--ping', '-1'], '--ping ', 'from 0 to 100', '"-1"'],
    [['dial', some, '--timeout', '-1s'], '--timeout ', 'not negative'],
    [['dial', some, '--ping', '--strict'], '--ping'],
    [['dial', some, '--concurrency', '0'], '--concurrency ', 'from 1 to 64'],
    [['dial', some, '--timeout', '10'], '--timeout ', '10s', '"10"'],
    [['dial', some, '--deadline', '2h'], '--deadline ', 'at most 1h'],
    [['dial', some, '--ping-interval', '1'], '--ping-interval ', '500ms'],
    [['dial', some, '--transport', 'tcp,tpc'], '--transport ', 'tcp, ', 'wss', '"tpc"'],
    [['dial', some, '--webrtc', 'v3'], '--webrtc ', 'v1, v2, both', '"v3"'],
    [['dial', some, '--family', '5'], '--family ', '4 or 6', '"5"'],
    [['dial', some, '--security', 'ssl'], '--security ', 'noise', '"ssl"'],
    [['dial', some, '--security', 'tls'], '--security ', 'noise'],
    [['dial', some, '--format', 'xml'], '--format ', 'text, json, ndjson', '"xml"'],
    [['dial', some, '--resolver', 'name'], '--resolver ', '9.9.9.9:53', '"name"'],
    [['dial', some, '--resolver', '9.9.9.9:0'], '--resolver ', '9.9.9.9:53'],
    [['dial', some, '/ip4/127.0.0.1/tcp/2'], 'one target'],
    [['dial', some, '--no-such'], '--no-such'],
    [['dial', some, '-o', '/no/such/folder/report.json'], '--output', '/no/such/folder/report.json', 'no such file or directory', 'a folder that there is'],
    [['dial', some, '-o', ''], '--output', 'name a file'],
    [['listen', '--listen', '/ip4/127.0.0.1/udp/0/quic-v1'], '--listen', '/tcp', '/ws'],
    [['listen', '--listen', '/ip4/127.0.0.1/tcp/0/wss'], '--listen', '/tcp', '/ws'],
    [['listen', '--listen', 'nonsense'], '--listen'],
    [['listen', '--format', 'json'], '--format ', 'text, ndjson', '"json"'],
    [['serve'], 'dial and listen']
  ]) {
    const { exit, stdout, stderr } = await run(NODE, ...args)
    assert.equal(exit, 2, args.join(' '))
    assert.equal(stdout, '')
    assert.match(stderr, /^error: [^\n]+\n$/, args.join(' '))
    assert.doesNotMatch(stderr, /options\./)
    for (const word of words) assert.ok(stderr.includes(word), `${args.join(' ')}: ${stderr}`)
  }
})

test('help is where it is asked for, with examples and every option that is taken', async () => {
  const { stdout: help } = await run(NODE, '--help')
  for (const args of [[], ['-h'], ['dial', '-h'], ['dial', '--help'], ['listen', '-h'], ['dial', '/ip4/127.0.0.1/tcp/1', '--strict', '-h']]) {
    assert.deepEqual(await run(NODE, ...args), { exit: 0, stdout: help, stderr: '' })
  }
  const source = readFileSync(new URL('../../js/cli/arguments.js', import.meta.url), 'utf8')
  const taken = [...source.matchAll(/^ {2}'?([\w-]+)'?: \{ type: '(?:string|boolean)'/gm)].map(([, name]) => name)
  assert.ok(taken.length > 20)
  for (const name of taken) assert.match(help, new RegExp(`--${name}[ ,\n]`))
  const examples = help.slice(help.indexOf('Examples:')).split('\n').filter(line => line.startsWith('  '))
  assert.ok(examples.some(line => line.includes(' dial ')) && examples.some(line => line.includes(' listen')))
  const { bin } = JSON.parse(readFileSync(new URL('../../js/package.json', import.meta.url), 'utf8'))
  for (const line of examples) assert.ok(Object.keys(bin).includes(line.trim().split(' ')[0]), line)
  for (const args of [['-V'], ['--version'], ['dial', '-V'], ['listen', '--version']]) assert.match((await run(NODE, ...args)).stdout, /^p2p-probe \d+\.\d+\.\d+\n$/)
})

/** A folder for a test. */
function folder (t) {
  const path = mkdtempSync(join(tmpdir(), 'p2p-probe-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

test('a report is written to a file, to where a link leads, and to what is no file', async t => {
  const place = folder(t)
  const some = ['dial', '/ip4/127.0.0.1/tcp/1', '--format', 'json']
  const at = name => join(place, name)
  const told = path => JSON.parse(readFileSync(path, 'utf8')).verdict.code
  writeFileSync(at('report.json'), 'before')
  symlinkSync(at('report.json'), at('link.json'))
  for (const name of ['report.json', 'link.json']) {
    writeFileSync(at('report.json'), 'before')
    assert.deepEqual(await run(NODE, ...some, '-o', at(name)), { exit: 1, stdout: '', stderr: '' })
    assert.ok(lstatSync(at('link.json')).isSymbolicLink())
    assert.equal(told(at('report.json')), 'refused')
  }
  for (const program of [NODE, NATIVE]) {
    symlinkSync('/dev/null', at('null'))
    for (const device of ['/dev/null', at('null')]) assert.equal((await run(program, ...some, '-o', device)).exit, 1)
    assert.ok(lstatSync('/dev/null').isCharacterDevice())
    assert.ok(lstatSync(at('null')).isSymbolicLink())
    rmSync(at('null'))
    execFileSync('mkfifo', [at('pipe')])
    const [{ exit }, piped] = await Promise.all([run(program, ...some, '-o', at('pipe')), run(['cat'], at('pipe'))])
    assert.deepEqual([exit, JSON.parse(piped.stdout).verdict.code], [1, 'refused'])
    assert.ok(lstatSync(at('pipe')).isFIFO())
    rmSync(at('pipe'))
  }
  assert.deepEqual(await run(NODE, ...some, '-o', '-').then(({ exit, stdout }) => [exit, JSON.parse(stdout).verdict.code]), [1, 'refused'])
  assert.deepEqual(readdirSync(place).sort(), ['link.json', 'report.json'])
})

test('a folder is no file to write to, which is said before anything is dialed', async t => {
  const place = folder(t)
  const server = net.createServer(socket => socket.destroy())
  let dialed = false
  server.on('connection', () => { dialed = true })
  t.after(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { exit, stderr } = await run(NODE, 'dial', `/ip4/127.0.0.1/tcp/${server.address().port}`, '-o', place)
  assert.deepEqual([exit, dialed], [2, false])
  assert.ok(stderr.includes(place) && stderr.includes('it is a folder'), stderr)
  assert.deepEqual(readdirSync(place), [])
})

test('nothing is left of a report that did not come about', async t => {
  const place = folder(t)
  const out = join(place, 'report.json')
  for (const wrong of [['--resolver', 'nonsense'], ['--ping', '101'], ['--format', 'xml']]) {
    assert.equal((await run(NODE, 'dial', '/ip4/127.0.0.1/tcp/1', ...wrong, '-o', out)).exit, 2)
    assert.deepEqual(readdirSync(place), [])
  }
  // Ended while it runs, before it could be told to stop: a second signal that comes before the first is heard of.
  const server = net.createServer(socket => socket.on('error', () => {}).resume())
  t.after(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const script = join(place, 'twice.mjs')
  writeFileSync(script, `process.argv.splice(1, 1, 'cli'); await import(${JSON.stringify(new URL('../../js/cli.js', import.meta.url).href)}); process.on('SIGUSR2', () => { process.emit('SIGINT'); process.emit('SIGINT') })`)
  const child = spawn(process.execPath, [script, 'dial', `/ip4/127.0.0.1/tcp/${server.address().port}`, '-o', out], { stdio: 'ignore' })
  await once(server, 'connection')
  assert.ok(readdirSync(place).some(name => name.endsWith('.part')))
  const exited = once(child, 'exit')
  child.kill('SIGUSR2')
  assert.deepEqual(await exited, [130, null])
  assert.deepEqual(readdirSync(place), ['twice.mjs'])
})

test('a draft that is there already belongs to somebody else', async t => {
  const place = folder(t)
  const victim = join(place, 'victim')
  writeFileSync(victim, 'mine')
  const script = join(place, 'link.mjs')
  writeFileSync(script, `import { symlinkSync } from 'node:fs'
symlinkSync(${JSON.stringify(victim)}, ${JSON.stringify(join(place, '.report.json.'))} + process.pid + '.part')
process.argv.splice(1, 1, 'cli')
await import(${JSON.stringify(new URL('../../js/cli.js', import.meta.url).href)})`)
  const { exit, stderr } = await run([process.execPath, script], 'dial', '/ip4/127.0.0.1/tcp/1', '-o', join(place, 'report.json'))
  assert.equal(exit, 2)
  assert.match(stderr, /file already exists/)
  assert.equal(readFileSync(victim, 'utf8'), 'mine')
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

test('the words of a platform are kept short', async t => {
  const long = 'a'.repeat(10_000)
  const error = () => new Error(long)
  const told = async (target, options) => {
    const { attempts: [{ stages }] } = JSON.parse((await probe(target, options)).json())
    return stages.find(({ outcome }) => outcome === 'failed').message
  }
  assert.equal(await told('/ip4/127.0.0.1/tcp/1', { transport: { dial: async () => { throw error() } } }), long.slice(0, 300))
  // As in a page, whose own transports say why they fail.
  const { process } = globalThis
  t.after(() => { Object.assign(globalThis, { process, WebTransport: undefined, RTCPeerConnection: undefined }) })
  globalThis.process = Object.create(process, { versions: { value: {} } })
  globalThis.RTCPeerConnection = class { constructor () { throw error() } }
  globalThis.WebTransport = class {
    ready = Promise.reject(error())
    closed = this.ready
    close () {}
  }
  const hash = 'uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ'
  for (const path of [`webrtc-direct/certhash/${hash}`, `quic-v1/webtransport/certhash/${hash}`]) {
    const message = await told(`/ip4/127.0.0.1/udp/9/${path}/p2p/12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ`, {})
    assert.ok(message.startsWith('aaa') && message.length < 1000, `${path}: ${message.length}`)
  }
})

test('names are left to the platform where a program cannot ask', async t => {
  const address = (await silent(t)).replace('/ip4/127.0.0.1', '/dns4/localhost')
  const told = async target => {
    const stop = new AbortController()
    const report = await probe(target, { names: null, signal: stop.signal, timeoutMs: 60_000, deadlineMs: 60_000 }, line => {
      const { event, stage } = JSON.parse(line)
      if (event === 'stage-started' && stage === 'secure') stop.abort()
    })
    return JSON.parse(report.json())
  }
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
