import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse, tcpAddress, url } from '../address.js'

const PEER = '/p2p/12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8'

/** WebSocket addresses and the URL that is dialed. */
const URLS = [
  ['/ip4/203.0.113.7/tcp/80/ws', 'ws://203.0.113.7:80/'],
  ['/ip4/203.0.113.7/tcp/443/wss', 'wss://203.0.113.7:443/'],
  ['/ip4/203.0.113.7/tcp/443/tls/ws', 'wss://203.0.113.7:443/'],
  ['/ip6/2001:db8::7/tcp/443/tls/ws', 'wss://[2001:db8::7]:443/'],
  ['/ip6/::ffff:203.0.113.7/tcp/1/ws', 'ws://[::ffff:203.0.113.7]:1/'],
  ['/dns/node.example/tcp/4001/ws', 'ws://node.example:4001/'],
  ['/dns4/node.example/tcp/443/wss', 'wss://node.example:443/'],
  ['/dns6/node.example/tcp/443/tls/ws', 'wss://node.example:443/'],
  ['/ip4/203.0.113.7/tcp/443/tls/sni/node.example/ws', 'wss://node.example:443/'],
  ['/dns4/bücher.example/tcp/443/wss', 'wss://bücher.example:443/'],
  ['/dns4/हिन्दी.example/tcp/443/wss', 'wss://हिन्दी.example:443/'],
  ['/ip6zone/eth0/ip6/fe80::1/tcp/443/tls/ws', 'wss://[fe80::1]:443/'],
  [`/dns4/node.example/tcp/443/wss${PEER}`, 'wss://node.example:443/'],
  ['/dns4/node.example/tcp/443/tls/ws/ipfs/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N', 'wss://node.example:443/'],
  ['/dns4/node.example/tcp/443/x-parity-wss/%2Fa%2Fb%3Fc=d', 'wss://node.example:443/a/b?c=d'],
  ['/ip4/203.0.113.7/tcp/80/x-parity-ws/%2F', 'ws://203.0.113.7:80/']
]

for (const [address, expected] of URLS) {
  test(`${address} is ${expected}`, () => {
    const route = parse(address)
    assert.equal(route.transport, 'websocket')
    assert.equal(url(route), expected)
    assert.doesNotThrow(() => new URL(expected))
  })
}

/** TCP addresses: host, port, family. */
const TCP = [
  ['/ip4/127.0.0.1/tcp/4001', '127.0.0.1', 4001, 4],
  ['/ip4/0.0.0.0/tcp/0', '0.0.0.0', 0, 4],
  ['/ip6/::/tcp/65535', '::', 65535, 6],
  ['/ip6zone/eth0/ip6/fe80::1/tcp/1', 'fe80::1%eth0', 1, 6],
  ['/dns/node.example/tcp/1', 'node.example', 1, 0],
  ['/dns4/node.example/tcp/1', 'node.example', 1, 4],
  ['/dns6/_x.node.example/tcp/1', '_x.node.example', 1, 6],
  [`/ip4/127.0.0.1/tcp/4001${PEER}`, '127.0.0.1', 4001, 4]
]

for (const [address, host, port, family] of TCP) {
  test(`${address} is TCP to ${host}, ${port}`, () => {
    const route = parse(address)
    assert.deepEqual([route.transport, route.host, route.port, route.family], ['tcp', host, port, family])
  })
}

const REFUSED = [
  '', '/', 'ip4/127.0.0.1/tcp/1', '/ip4', '/ip4/127.0.0.1', '/ip4/127.0.0.1/tcp', '/ip4/127.0.0.1/tcp/',
  '/ip4/127.0.0.1/udp/1/quic-v1', '/ip4/127.0.0.1/tcp/65536', '/ip4/127.0.0.1/tcp/-1', '/ip4/127.0.0.1/tcp/0x1',
  '/ip4/127.0.0.1/tcp/1e3', '/ip4/256.0.0.1/tcp/1', '/ip4/127.1/tcp/1', '/ip4/1.2.3.4.5/tcp/1', '/ip4/1.2.3./tcp/1', '/ip4/01.2.3.4/tcp/1',
  '/ip6/127.0.0.1/tcp/1', '/ip6/::1::/tcp/1', '/ip6/::1]/tcp/1', '/ip6/fe80::1%eth0/tcp/1', '/ip4/node.example/tcp/1',
  '/ip6zone', '/ip6zone/eth0', '/ip6zone/eth0/ip4/127.0.0.1/tcp/1', '/ip6zone/a b/ip6/fe80::1/tcp/1',
  '/dns4//tcp/1', '/dns4/user@host/tcp/1/ws', '/dns4/host:80/tcp/1/ws', '/dns4/a%2Fb/tcp/1/ws', '/dns4/a?b/tcp/1/ws', '/dns4/a#b/tcp/1/ws', '/dns4/a b/tcp/1/ws', '/dns4/a\u00a0b/tcp/1/ws', '/dns4/a\u200bb/tcp/1/ws',
  `/dns4/${'a'.repeat(254)}/tcp/1`, '/dnsaddr/bootstrap.example', '/constructor/x/tcp/1', '/unix/x/tcp/1',
  '/ip4/127.0.0.1/tcp/1/', '/ip4/127.0.0.1/tcp/1/ws/', '/ip4/127.0.0.1/tcp/1/tls', '/ip4/127.0.0.1/tcp/1/ws/ws', '/ip4/127.0.0.1/tcp/1/tls/wss',
  '/ip4/127.0.0.1/tcp/1/tls/sni/ws', '/ip4/127.0.0.1/tcp/1/tls/sni/a@b/ws', '/ip4/127.0.0.1/tcp/1/sni/a/ws', '/ip4/127.0.0.1/tcp/1/http',
  '/ip4/127.0.0.1/tcp/1/p2p', '/ip4/127.0.0.1/tcp/1/p2p/a-b', `/ip4/127.0.0.1/tcp/1${PEER}/p2p-circuit`, `/ip4/127.0.0.1/tcp/1${PEER}${PEER}`,
  '/ip4/127.0.0.1/tcp/1/x-parity-ws/%', '/ip4/127.0.0.1/tcp/1/x-parity-ws/a', '/ip4/127.0.0.1/tcp/1/x-parity-ws/%2F%23', '/ip4/127.0.0.1/tcp/1/x-parity-ws'
]

for (const address of REFUSED) {
  test(`${JSON.stringify(address.slice(0, 80))} is refused`, () => {
    assert.throws(() => parse(address), { name: 'NotSupportedError', code: 'unsupported-address' })
  })
}

test('what is no text is refused', () => {
  for (const none of [undefined, null, 7, {}, Symbol('address')]) {
    assert.throws(() => parse(none), { name: 'NotSupportedError', code: 'unsupported-address' })
  }
})

test('an end of a connection reads as it was written', () => {
  for (const address of ['/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/2', '/ip6zone/eth0/ip6/fe80::1/tcp/3']) {
    const { host, port } = parse(address)
    assert.equal(tcpAddress(host, port), address)
  }
})
