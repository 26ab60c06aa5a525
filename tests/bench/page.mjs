// What the page costs in Chromium: over the line, from navigation to the first verdict, from the button to the report, a dial, and
// one yamux stream over the JS transport's WebSocket.
// `node tests/bench/page.mjs`, after `cargo build --release`, `tests/transport/run --build` and `tests/interop/prepare`; PROGRAM,
// DRIVER and GO_PEER name other places than those.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as beside from './beside.mjs'
import { BYTES, DRIVER, PROGRAM, dialed, median, natively, rate, takesUploads } from './beside.mjs'

const RUNS = 15

const rows = []
const row = (what, value) => { rows.push(`| ${what} | ${value} |`) }
const ms = values => `${median(values).toFixed(0)} ms (${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)})`
const children = []

/** Starts a program, which ends with this one. */
function started (program, args) {
  const { child, next } = beside.started(program, args)
  children.push(child)
  return next
}

/** A node of the native program; its addresses and its page. */
async function listening () {
  const spots = ['/ip4/127.0.0.1/tcp/0/ws', '/ip4/127.0.0.1/udp/0/webrtc-direct']
  const args = ['listen', '--ephemeral', '--format', 'ndjson', '--page-addr', '127.0.0.1:0', ...spots.flatMap(spot => ['--listen', spot])]
  const next = started(PROGRAM, args)
  const addresses = []
  for (let line = await next(); ; line = await next()) {
    if (line.event === 'listening') addresses.push(line.address)
    if (line.event === 'page') return { addresses, page: line.url, next }
  }
}

/** A session of chromedriver. */
class Chromium {
  static async start () {
    const child = spawn('chromedriver', ['--port=0'], { stdio: ['ignore', 'pipe', 'ignore'] })
    children.push(child)
    let said = ''
    // Read on to the end: it does not live without a reader.
    const port = await new Promise((resolve, reject) => {
      child.stdout.on('data', chunk => {
        said += chunk
        const port = said.match(/successfully on port (\d+)/)?.[1]
        if (port !== undefined) resolve(port)
      })
      child.on('error', reject)
      child.on('exit', () => reject(new Error('chromedriver does not start')))
    })
    const browser = new Chromium()
    browser.base = `http://127.0.0.1:${port}`
    browser.profile = mkdtempSync(join(tmpdir(), 'p2p-probe-bench-'))
    return browser
  }

  async fresh () {
    const args = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', `--user-data-dir=${this.profile}/${Math.random()}`]
    const { sessionId } = await this.send('POST', '/session', { capabilities: { alwaysMatch: { browserName: 'chrome', 'goog:chromeOptions': { args } } } })
    this.session = `/session/${sessionId}`
    await this.send('POST', `${this.session}/timeouts`, { script: 120_000, pageLoad: 60_000 })
  }

  async close () { await this.send('DELETE', this.session) }

  async send (method, path, body) {
    const answer = await fetch(this.base + path, { method, body: body === undefined ? undefined : JSON.stringify(body) })
    const { value } = await answer.json()
    if (value?.error !== undefined) throw new Error(`${path}: ${value.message}`)
    return value
  }

  open (url) { return this.send('POST', `${this.session}/url`, { url }) }
  devtools (cmd, params) { return this.send('POST', `${this.session}/goog/cdp/execute`, { cmd, params }) }

  async run (body, ...args) {
    const script = `const done = arguments[arguments.length - 1]
      ;(async function () { ${body} }).apply(null, Array.from(arguments).slice(0, -1)).then(value => done({ value }), error => done({ error: String(error) }))`
    const { value, error } = await this.send('POST', `${this.session}/execute/async`, { script, args })
    if (error !== undefined) throw new Error(error)
    return value
  }
}

/** Presses the button as soon as there is an address beside it, and notes when a verdict stands there. */
const AT_ONCE = `(() => {
  const times = window.times = {}
  const look = () => {
    const [field, button, status] = ['target', 'go', 'status'].map(id => document.getElementById(id))
    if (field?.value && times.button === undefined && document.documentElement.dataset.ready === 'yes') {
      times.button = performance.now()
      button.click()
    }
    if (status?.textContent.includes('. ')) times.verdict = performance.now()
    else setTimeout(look, 1)
  }
  look()
})()`

/** Waits for what the page tells of a run that begins with the button. */
const PRESSED = `
  const status = document.getElementById('status')
  status.textContent = ''
  const begin = performance.now()
  document.getElementById('go').click()
  while (!status.textContent.includes('. ')) await new Promise(resolve => setTimeout(resolve, 1))
  return performance.now() - begin`

const DIALED = `
  const [address] = arguments
  const { load, probe } = await import('/probe.js')
  await load()
  const begin = performance.now()
  const report = JSON.parse((await probe(address, { announced: false, pings: 1 })).json())
  if (report.verdict.ok !== true) throw new Error(report.verdict.summary)
  return performance.now() - begin`

const UPLOADED = `
  const [address, bytes] = arguments
  const [driver, { createTransport }] = await Promise.all([import('/driver/transport_driver.js'), import('/js/index.js')])
  await driver.default()
  return await driver.upload(createTransport(), address, bytes)`

async function page (browser) {
  const { addresses, page } = await listening()
  const [ws, webrtc] = ['/ws', '/webrtc-direct'].map(part => addresses.find(address => address.includes(part)))
  const [first, verdict] = [[], []]
  for (let run = 0; run < 5; run++) {
    await browser.fresh()
    await browser.devtools('Page.addScriptToEvaluateOnNewDocument', { source: AT_ONCE })
    await browser.open(`${page}?target=${encodeURIComponent(ws)}`)
    const times = await browser.run('while (window.times.verdict === undefined) await new Promise(resolve => setTimeout(resolve, 5)); return window.times')
    first.push(times.button)
    verdict.push(times.verdict)
    if (run < 4) await browser.close()
  }
  row('navigation to the button pressed, empty cache', ms(first))
  row('navigation to the first verdict, empty cache, over ws', ms(verdict))
  const pressed = []
  for (let run = 0; run < RUNS; run++) pressed.push(await browser.run(PRESSED))
  row('button to report, over ws (at most 1 s)', ms(pressed))
  for (const [name, address] of [['ws', ws], ['webrtc-direct', webrtc]]) {
    const times = []
    for (let run = 0; run < RUNS; run++) times.push(await browser.run(DIALED, address))
    row(`dial over ${name}, one ping`, ms(times))
    row(`natively, the whole process: dial over ${name}, one ping`, ms(Array.from({ length: RUNS }, () => dialed(address))))
  }
  await browser.close()
}

/** A stream to go-libp2p, which takes uploads. */
async function throughput (browser) {
  const places = { '/js/': new URL('../../js/', import.meta.url).pathname, '/driver/': `${DRIVER}/` }
  const kinds = { js: 'text/javascript', wasm: 'application/wasm' }
  const server = createServer(({ url }, answer) => {
    const place = Object.keys(places).find(place => url.startsWith(place))
    if (place === undefined) return answer.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>')
    answer.writeHead(200, { 'content-type': kinds[url.split('.').pop()] }).end(readFileSync(places[place] + url.slice(place.length)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { child, tcp, ws } = await takesUploads()
  children.push(child)
  await browser.fresh()
  await browser.open(`http://127.0.0.1:${server.address().port}/`)
  const [rates, native] = [[], []]
  for (let run = 0; run < 3; run++) {
    rates.push(rate(await browser.run(UPLOADED, ws, BYTES)))
    native.push(natively(tcp))
  }
  const told = [rates, native].map(rates => `${median(rates).toFixed(1)} MiB/s`).join(', ')
  row('one yamux stream to go-libp2p: Chromium over WebSocket, natively over TCP', told)
  await browser.close()
  server.close()
}

const browser = await Chromium.start()
let failed = false
for (const part of [page, throughput]) {
  await part(browser).catch(error => { failed = true; row(part.name, `not measured: ${error.message} ${error.cause ?? ''}`) })
}
for (const child of children) child.kill()
rmSync(browser.profile, { recursive: true, force: true })
console.log(`| what | Chromium |\n| --- | --- |\n${rows.join('\n')}`)
process.exit(failed ? 1 : 0)
