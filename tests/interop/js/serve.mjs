import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { quic } from '@chainsafe/libp2p-quic'
import { autoNAT } from '@libp2p/autonat'
import { autoNATv2 } from '@libp2p/autonat-v2'
import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { createNode, say } from './node.mjs'

/** Serves until standard input closes, which happens even when the parent is killed, or until a signal. */
export async function serve (values) {
  const node = await createNode(values, {
    transports: [quic(), tcp(), webSockets(websocketOptions(values)), webRTCDirect()],
    services: services(values),
    addresses: addresses(values)
  })
  say({ peer: node.peerId.toString(), addrs: listening(node) })
  process.stdin.resume()
  // A pipe ends with both events, a file such as /dev/null with the first alone, a broken pipe with the second.
  const ends = [[process.stdin, 'end'], [process.stdin, 'close'], [process, 'SIGTERM'], [process, 'SIGINT']]
  await Promise.race(ends.map(([emitter, event]) => once(emitter, event)))
  await node.stop()
  return 0
}

/** Both versions of AutoNAT come together: a node has one of them or both, and both is what shows how they get along. */
function services (values) {
  return {
    identify: identify(),
    ...(values.autonat ? { autoNAT: autoNAT(), autoNATv2: autoNATv2() } : {}),
    ...(values.relay ? { relay: circuitRelayServer() } : {})
  }
}

function addresses (values) {
  const announce = values.announce ?? []
  return {
    listen: values.listen ?? defaults(values),
    ...(values['announce-only'] ? { announce } : { appendAnnounce: announce })
  }
}

function defaults (values) {
  const addrs = ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/udp/0/quic-v1', '/ip4/127.0.0.1/tcp/0/ws']
  if (values['tls-cert'] != null) addrs.push('/ip4/127.0.0.1/tcp/0/tls/ws')
  if (values.webrtc) addrs.push('/ip4/127.0.0.1/udp/0/webrtc-direct')
  return addrs
}

function websocketOptions (values) {
  if (values['tls-cert'] == null && values['tls-key'] == null) return {}
  return { https: { cert: readFileSync(values['tls-cert']), key: readFileSync(values['tls-key']) } }
}

/** The addresses that the node listens on, whatever it announces. */
function listening (node) {
  return node.components.transportManager.getAddrs().map(addr => `${addr}/p2p/${node.peerId}`)
}
