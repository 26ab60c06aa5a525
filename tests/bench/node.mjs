// What Node costs beside the native program: size of the WebAssembly, dial latency, throughput of one yamux stream over TCP.
// `node tests/bench/node.mjs`, after `cargo build --release` and `tests/transport/run --build`; PROGRAM, DRIVER and GO_PEER name
// other places than those.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { createTransport } from '../../js/index.js'
import { load, probe } from '../../js/probe.js'
import { BYTES, DRIVER, GO_PEER, PROGRAM, dialed, median, natively, rate, takesUploads } from './beside.mjs'

const RUNS = 31

const rows = []
const row = (what, value) => { rows.push(`| ${what} | ${value} |`) }
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
      const start = performance.now()
      execFileSync(process.execPath, [cli, ...args], { stdio: 'ignore' })
      whole.push(performance.now() - start)
      native.push(dialed(addresses[place]))
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
  const { child, tcp } = await takesUploads()
  const [rates, native] = [[], []]
  for (let run = 0; run < 3; run++) {
    rates.push(rate(await driver.upload(createTransport(), tcp, BYTES)))
    native.push(natively(tcp))
  }
  row('one yamux stream over TCP to go-libp2p: in Node, natively', [rates, native].map(rates => `${median(rates).toFixed(1)} MiB/s`).join(', '))
  child.kill()
}

sizes()
await latency()
await throughput()
console.log(`| what | Node ${process.versions.node} |\n| --- | --- |\n${rows.join('\n')}`)
process.exit()
