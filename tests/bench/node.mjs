// What Node costs beside the native program: size of the WebAssembly, dial latency, throughput of one yamux stream over TCP.
// `node tests/bench/node.mjs`, after `cargo build --release` and `tests/transport/run --build`; PROGRAM, DRIVER and GO_PEER name
// other places than those.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { createInterface } from 'node:readline'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { createTransport } from '../../js/index.js'
import { load, probe } from '../../js/probe.js'

const cache = process.env.P2P_PROBE_CACHE ?? `${process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`}/p2p-probe`
const target = process.env.CARGO_TARGET_DIR ?? `${cache}/target`
const PROGRAM = process.env.PROGRAM ?? `${target}/release/p2p-probe`
const DRIVER = process.env.DRIVER ?? `${target}/wasm/transport-driver`
const GO_PEER = process.env.GO_PEER ?? `${cache}/interop/go-peer`
const RUNS = 31
const BYTES = 64 << 20

const rows = []
const row = (what, value) => { rows.push(`| ${what} | ${value} |`) }
const median = values => values.sort((a, b) => a - b)[values.length >> 1]
const kb = bytes => `${(bytes / 1000).toFixed(1)} kB`

function sizes () {
  for (const file of ['probe_bg.wasm', 'probe.js']) {
    const bytes = readFileSync(new URL(`../../js/wasm/${file}`, import.meta.url))
    const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } })
    row(`${file}: raw, gzip, brotli`, [bytes, gzipSync(bytes, { level: 9 }), brotli].map(({ length }) => kb(length)).join(', '))
  }
}

/** A node of the native program; its addresses. */
async function listening (spots) {
  const args = ['listen', '--ephemeral', '--quiet', '--format', 'ndjson', ...spots.flatMap(spot => ['--listen', spot])]
  const child = spawn(PROGRAM, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const addresses = []
  for (const _ of spots) addresses.push(JSON.parse((await lines.next()).value).address)
  lines.return()
  child.stdout.resume()
  return { child, addresses }
}

/** From the start of a run to its report, in one process; and how long each stage of the median run took. */
async function latency () {
  const { child, addresses } = await listening(['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'])
  await load()
  for (const [place, name] of ['tcp', 'ws'].entries()) {
    const [inside, whole, native] = [[], [], []]
    const cli = new URL('../../js/cli.js', import.meta.url).pathname
    const args = ['dial', addresses[place], '--no-announced', '--ping', '1', '--format', 'json']
    for (let run = 0; run < RUNS; run++) {
      const begin = performance.now()
      await probe(addresses[place], { announced: false, pings: 1 })
      inside.push(performance.now() - begin)
      for (const [times, program, before] of [[whole, process.execPath, [cli]], [native, PROGRAM, []]]) {
        const begin = performance.now()
        execFileSync(program, [...before, ...args], { stdio: 'ignore' })
        times.push(performance.now() - begin)
      }
    }
    row(`dial over ${name}: in Node, whole process in Node, whole process natively`, [inside, whole, native].map(times => `${median(times).toFixed(1)} ms`).join(', '))
  }
  child.kill()
}

/** One stream of yamux to go-libp2p, which takes uploads. */
async function throughput () {
  if (!existsSync(`${DRIVER}/transport_driver.js`) || !existsSync(GO_PEER)) return row('throughput', 'not measured: tests/transport/run --build, tests/interop/prepare')
  const driver = await import(`${DRIVER}/transport_driver.js`)
  driver.initSync({ module: readFileSync(`${DRIVER}/transport_driver_bg.wasm`) })
  const child = spawn(GO_PEER, ['serve', '--perf', '--listen', '/ip4/127.0.0.1/tcp/0'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await once(createInterface(child.stdout), 'line')
  const address = JSON.parse(line).addrs.find(address => address.includes('/tcp/'))
  const rates = []
  for (let run = 0; run < 3; run++) rates.push(BYTES / (1 << 20) / await driver.upload(createTransport(), address, BYTES))
  row('one yamux stream over TCP, Node to go-libp2p', `${median(rates).toFixed(1)} MiB/s`)
  child.kill()
}

sizes()
await latency()
await throughput()
console.log(`| what | Node ${process.versions.node} |\n| --- | --- |\n${rows.join('\n')}`)
process.exit()
