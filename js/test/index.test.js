import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
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
  const all = folder => Object.fromEntries(readdirSync(folder, { recursive: true }).filter(name => name.endsWith('.ts') && !name.startsWith('wasm')).sort().map(name => [name, readFileSync(join(folder, name), 'utf8')]))
  assert.deepEqual(all(join(root, 'types')), all(out), 'npm run types')
})

test('what the package promises is in it', () => {
  const { bin, exports, files, scripts, dependencies, optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  assert.deepEqual(files, ['*.js', 'cli', 'types', 'wasm', 'LICENSE-*'])
  for (const licence of ['LICENSE-APACHE', 'LICENSE-MIT']) {
    assert.equal(readFileSync(join(root, licence), 'utf8'), readFileSync(join(root, '..', licence), 'utf8'))
  }
  assert.equal(dependencies, undefined)
  assert.ok(!Object.keys(scripts).some(name => /install|prepare/.test(name)))
  for (const target of Object.values(exports).flatMap(entry => Object.values(typeof entry === 'string' ? { entry } : entry))) {
    assert.ok(readFileSync(join(root, target)).length > 0)
  }
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  for (const name of Object.keys(bin)) assert.ok(readme.includes(`\n${name} --help\n`))
  // The first release that bounds the answers to pings, and is told how many.
  assert.equal(optionalDependencies.ws, '^8.23.0')
  assert.ok(readme.includes('8.23 or newer'))
  assert.doesNotMatch(readFileSync(join(root, 'package-lock.json'), 'utf8'), /"resolved"/)
})

test('the package that npm makes holds what it names, and nothing else', () => {
  const said = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' })
  const [{ files }] = JSON.parse(said)
  const packed = files.map(({ path }) => path)
  const { exports, bin, types, type } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const named = [types, ...Object.values(bin), ...Object.values(exports).flatMap(entry => Object.values(typeof entry === 'string' ? { entry } : entry))]
  for (const target of named) assert.ok(packed.includes(target.replace('./', '')), `${target} is not packed`)
  assert.equal(type, 'module')
  // A program that is started by its name.
  assert.match(readFileSync(join(root, bin['p2p-probe-node']), 'utf8'), /^#!\/usr\/bin\/env node\n/)
  // What is packed asks for nothing that is not.
  for (const path of packed.filter(path => /\.(d\.ts|js)$/.test(path))) {
    const source = readFileSync(join(root, path), 'utf8')
    for (const [, wanted] of source.matchAll(/(?:from |import\(|import )['"](\.[^'"]+)['"]/g)) {
      const found = join(dirname(path), wanted)
      const meant = path.endsWith('.d.ts') ? found.replace(/\.js$/, '.d.ts') : found
      assert.ok(packed.includes(meant), `${path} asks for ${wanted}`)
    }
  }
  const known = /^(LICENSE-(APACHE|MIT)|README\.md|package\.json|(cli\/)?[a-z-]+\.js|types\/((cli|wasm)\/)?[a-z-]+\.d\.ts|wasm\/probe(_bg)?\.(js|wasm|d\.ts|wasm\.d\.ts))$/
  assert.deepEqual(packed.filter(path => !known.test(path)), [])
})

test('the versions of Node that the package asks for are those that have what it needs', () => {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  // `process.getBuiltinModule` came with 20.16 and 22.3.
  assert.deepEqual(engines, { node: '^20.16.0 || >=22.3.0' })
  assert.equal(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages[''].engines.node, engines.node)
  assert.match(readFileSync(join(root, '..', 'tests', 'run'), 'utf8'), /^node_wanted=20\.16\.0$/m)
  assert.equal(typeof process.getBuiltinModule, 'function')
})
