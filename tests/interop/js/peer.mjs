// A js-libp2p node for interop tests: it serves, or it dials one address. The same JSON lines as ../go and
// nearly the same command line. Needs Node 22 or newer.
import { parseArgs } from 'node:util'
import { dial } from './dial.mjs'
import { serve } from './serve.mjs'

const usage = `usage:
  peer.mjs serve [--listen MULTIADDR]… [--announce MULTIADDR]… [--announce-only] [--security noise|tls|both]
                 [--muxer yamux] [--seed N] [--key-type ed25519|rsa|secp256k1] [--tls-cert F --tls-key F]
                 [--webrtc] [--autonat] [--relay] [--max-seconds N]
  peer.mjs dial MULTIADDR/p2p/PEER [--pings N] [--security noise|tls|both] [--seed N] [--key-type …] [--tls-ca F]
                [--max-seconds N]
`
const common = {
  security: { type: 'string', default: 'both' },
  muxer: { type: 'string', default: 'yamux' },
  'key-type': { type: 'string', default: 'ed25519' },
  seed: { type: 'string' }
}
const commands = {
  serve: {
    positionals: 0,
    run: serve,
    options: {
      ...common,
      listen: { type: 'string', multiple: true },
      announce: { type: 'string', multiple: true },
      'announce-only': { type: 'boolean', default: false },
      'tls-cert': { type: 'string' },
      'tls-key': { type: 'string' },
      webrtc: { type: 'boolean', default: false },
      autonat: { type: 'boolean', default: false },
      relay: { type: 'boolean', default: false },
      'max-seconds': { type: 'string', default: '600' }
    }
  },
  dial: {
    positionals: 1,
    run: dial,
    options: {
      ...common,
      pings: { type: 'string', default: '1' },
      'tls-ca': { type: 'string' },
      'max-seconds': { type: 'string', default: '60' }
    }
  }
}

function parse () {
  const command = commands[process.argv[2]]
  if (command == null) throw new Error('no such command')
  const parsed = parseArgs({ args: process.argv.slice(3), options: command.options, allowPositionals: true })
  if (parsed.positionals.length !== command.positionals) throw new Error('wrong number of arguments')
  return { run: command.run, values: parsed.values, positionals: parsed.positionals }
}

function fail (message) {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}

let parsed
try {
  parsed = parse()
} catch (error) {
  fail(`${error.message}\n${usage}`)
}
// Bounds the life of the process, whatever else hangs.
const seconds = Number(parsed.values['max-seconds'])
setTimeout(() => fail(`ended after ${seconds} seconds (--max-seconds)`), seconds * 1000).unref()
try {
  process.exit(await parsed.run(parsed.values, parsed.positionals))
} catch (error) {
  fail(error.message)
}
