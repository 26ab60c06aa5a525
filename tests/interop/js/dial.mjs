import { readFileSync } from 'node:fs'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { identify } from '@libp2p/identify'
import { multiaddr } from '@multiformats/multiaddr'
import { createNode, say } from './node.mjs'

/** Dials one address, identifies, pings, says what came of it; returns the exit code. */
export async function dial (values, [target]) {
  try {
    say(await visit(values, target))
    return 0
  } catch (error) {
    say({ ok: false, error: error.message })
    return 1
  }
}

async function visit (values, target) {
  const addr = multiaddr(target)
  const peer = addr.getComponents().findLast(({ name }) => name === 'p2p')?.value
  if (peer == null) throw new Error('the address to dial needs /p2p at its end')
  if (values['tls-ca'] != null) trust(values['tls-ca'])
  const { name, transport } = await transportFor(addr)
  const node = await createNode(values, {
    transports: [transport],
    // Run by hand, so that its failure is an error here.
    services: { identify: identify({ runOnConnectionOpen: false }) }
  })
  const signal = AbortSignal.timeout(Number(values['max-seconds']) * 1000)

  let begin = performance.now()
  const connection = await node.dial(addr, { signal })
  const connectMs = since(begin)

  begin = performance.now()
  const identified = await node.services.identify.identify(connection, { signal })
  const identifyMs = since(begin)

  const pings = []
  for (let i = 0; i < Number(values.pings); i++) {
    begin = performance.now()
    await node.services.ping.ping(connection.remotePeer, { signal })
    pings.push(since(begin))
  }
  const line = {
    ok: true,
    peer: connection.remotePeer.toString(),
    agent: identified.agentVersion ?? '',
    protocols: identified.protocols,
    observed: identified.observedAddr?.toString() ?? '',
    listening: identified.listenAddrs.map(String),
    transport: name,
    security: connection.encryption ?? '',
    muxer: connection.multiplexer ?? '',
    connect_ms: connectMs,
    identify_ms: identifyMs,
    ping_ms: pings,
    // performance.now() counts from the start of the process.
    total_ms: since(0)
  }
  await node.stop()
  return line
}

/** The one transport that the address needs. */
async function transportFor (addr) {
  const names = addr.getComponents().map(({ name }) => name)
  if (names.includes('quic-v1')) {
    const { quic } = await import('@chainsafe/libp2p-quic')
    return { name: 'quic-v1', transport: quic() }
  }
  if (names.includes('webrtc-direct')) {
    const { webRTCDirect } = await import('@libp2p/webrtc')
    return { name: 'webrtc-direct', transport: webRTCDirect() }
  }
  if (names.includes('ws') || names.includes('wss')) {
    const { webSockets } = await import('@libp2p/websockets')
    return { name: 'websocket', transport: webSockets() }
  }
  if (names.includes('tcp')) {
    const { tcp } = await import('@libp2p/tcp')
    return { name: 'tcp', transport: tcp() }
  }
  throw new Error(`no transport for ${addr}`)
}

function trust (file) {
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(file, 'utf8')])
}

function since (begin) {
  return Math.round((performance.now() - begin) * 1000) / 1000
}
