import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OtherEnd, first } from '../page/listener.js'
import { LARGEST, Unreadable, fileName, fromHash, isReport, link, read } from '../page/saved.js'

const PEER = '/p2p/12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ'
const ADDRESSES = [
  `/ip4/192.168.1.5/tcp/4011${PEER}`, `/ip4/192.168.1.5/tcp/4012/ws${PEER}`, `/dns4/node.example/tcp/4013/tls/ws${PEER}`,
  `/ip4/127.0.0.1/udp/4011/quic-v1${PEER}`, `/ip4/127.0.0.1/tcp/4012/ws${PEER}`, `/ip4/127.0.0.1/udp/4012/webrtc-direct/certhash/uEi${PEER}`
]

test('the first target is on the host of the page, over what the page can use', () => {
  assert.equal(first(ADDRESSES, { protocol: 'http:', hostname: '127.0.0.1' }), ADDRESSES[4])
  assert.equal(first(ADDRESSES, { protocol: 'http:', hostname: '192.168.1.5' }), ADDRESSES[1])
  assert.equal(first(ADDRESSES, { protocol: 'https:', hostname: 'node.example' }), ADDRESSES[2])
  assert.equal(first([`/ip6/::1/tcp/1/ws${PEER}`], { protocol: 'http:', hostname: '[::1]' }), `/ip6/::1/tcp/1/ws${PEER}`)
  assert.equal(first([], { protocol: 'http:', hostname: 'x' }), '')
})

test('a listener is asked about every dial of a run at once, and about no more than it takes', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const asked = []
  globalThis.EventSource = class { constructor (url) { asked.push(url) } close () {} }
  t.after(() => { delete globalThis.EventSource })
  const end = new OtherEnd(() => {})
  const heard = (event, local_peer) => end.heard({ event, found: { local_peer } })
  heard('attempt-started', 'A')
  for (const peer of ['A', 'B', 'B', undefined]) heard('stage-ended', peer)
  t.mock.timers.tick(20)
  assert.deepEqual(asked, ['listener/events?peer=A&peer=B'])
  for (let dial = 0; dial < 100; dial++) heard('stage-ended', `C${dial}`)
  t.mock.timers.tick(20)
  assert.equal(asked.length, 2)
  assert.equal(asked[1].split('peer=').length - 1, 64)
  end.close()
})

test('a link holds its report', async () => {
  const json = JSON.stringify({ schema: 'p2p-probe/report/1', text: 'é✔'.repeat(1000) })
  const address = await link(json, 'http://127.0.0.1:4014/?target=x#old')
  const { hash } = new URL(address)
  assert.ok(address.startsWith('http://127.0.0.1:4014/?target=x#r=') && address.length < 300, address)
  assert.ok(isReport(hash))
  assert.equal(await fromHash(hash), json)
  assert.equal(await fromHash('#' + encodeURIComponent(json)), json)
  assert.ok(isReport('#' + encodeURIComponent(json)) && !isReport('#a1') && !isReport(''))
})

test('a link that is damaged or unpacks to too much is refused in a sentence', async () => {
  const whole = new URL(await link('x'.repeat(5000), 'http://a/')).hash
  for (const hash of [whole.slice(0, -4), '#r=%%%', '#r=', '#%7B%', '#r=AAAA']) {
    await assert.rejects(fromHash(hash), error => error instanceof Unreadable && error.message.endsWith('.'), hash)
  }
  const bomb = new URL(await link('x'.repeat(LARGEST + 1), 'http://a/').catch(() => link('', 'http://a/'))).hash
  assert.ok(bomb.length < 20_000)
  await assert.rejects(fromHash(bomb), /larger than 8 MiB/)
})

test('a file has a largest size and a name', async () => {
  assert.equal(await read(new Blob(['{}'])), '{}')
  await assert.rejects(read(/** @type {any} */ ({ size: LARGEST + 1, name: 'big.json' })), /big\.json is larger than 8 MiB/)
  assert.equal(fileName({ started: '2026-01-02T03:04:05.678Z', tool: { runtime: 'browser' } }), 'p2p-probe-browser-20260102T030405.json')
  assert.equal(fileName({}), 'p2p-probe-report-report.json')
})
