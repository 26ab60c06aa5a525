import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { TransportError, createTransport } from 'p2p-probe'
import { tcpPeer, wsPeer } from './helpers.js'

const root = fileURLToPath(new URL('..', import.meta.url))

test('each address goes to its transport', async t => {
  const transport = createTransport()
  const tcp = await tcpPeer(t)
  const ws = await wsPeer(t)
  for (const peer of [tcp, ws]) {
    const connection = await transport.dial(peer.address, false)
    assert.equal(connection.remote_addr, `/ip4/127.0.0.1/tcp/${peer.port}`)
    connection.close()
  }
  const events = transport.listen_on('/ip4/127.0.0.1/tcp/0')
  assert.match((await events.next().value).new_addrs[0], /^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/)
  events.return()
  assert.throws(() => transport.dial('/ip4/127.0.0.1/udp/1/quic-v1'), error => error instanceof TransportError && error.code === 'unsupported-address')
  const websockets = transport.listen_on('/ip4/127.0.0.1/tcp/0/ws')
  assert.match((await websockets.next().value).new_addrs[0], /^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws$/)
  websockets.return()
})

test('a rejection that nobody looks at does not end the process', () => {
  const script = `
    import { createTransport } from 'p2p-probe'
    import net from 'node:net'
    const transport = createTransport()
    const server = net.createServer(socket => { socket.on('error', () => {}); socket.once('data', () => socket.resetAndDestroy()) })
    server.listen(0, '127.0.0.1', async () => {
      const connection = await transport.dial('/ip4/127.0.0.1/tcp/' + server.address().port)
      connection.read.next()
      connection.write(new Uint8Array(100_000_000))
      transport.listen_on('/ip4/192.0.2.1/tcp/0').next()
      transport.dial('/ip4/127.0.0.1/tcp/1')
      transport.dial('/ip4/127.0.0.1/tcp/1/ws')
      transport.dial('/ip4/127.0.0.1/tcp/1/ws', false, AbortSignal.abort())
      server.close()
    })`
  execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: root, stdio: 'pipe' })
})

test('the types hold, and those in the package are current', t => {
  const out = mkdtempSync(join(tmpdir(), 'p2p-probe-types-'))
  t.after(() => rmSync(out, { recursive: true }))
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--project', root, '--outDir', out], { stdio: 'pipe', encoding: 'utf8' })
  const all = folder => Object.fromEntries(readdirSync(folder).filter(name => name.endsWith('.ts')).sort().map(name => [name, readFileSync(join(folder, name), 'utf8')]))
  assert.deepEqual(all(join(root, 'types')), all(out), 'npm run types')
})

test('what the package promises is in it', () => {
  const { exports, files, scripts, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  assert.deepEqual(files, ['*.js', 'types', 'wasm', 'LICENSE-*'])
  for (const licence of ['LICENSE-APACHE', 'LICENSE-MIT']) {
    assert.equal(readFileSync(join(root, licence), 'utf8'), readFileSync(join(root, '..', licence), 'utf8'))
  }
  assert.equal(dependencies, undefined)
  assert.ok(!Object.keys(scripts).some(name => /install|prepare/.test(name)))
  for (const target of Object.values(exports).flatMap(entry => Object.values(typeof entry === 'string' ? { entry } : entry))) {
    assert.ok(readFileSync(join(root, target)).length > 0)
  }
  assert.doesNotMatch(readFileSync(join(root, 'package-lock.json'), 'utf8'), /"resolved"/)
})
