import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { TransportError, fromSystem } from '../errors.js'

const system = (code, errno) => Object.assign(new Error(`connect ${code}`), { code, errno })

/** Node's code, the phase, our code and what goes with it. */
const TABLE = [
  ['ECONNREFUSED', 'connect', 'refused'],
  ['ECONNRESET', 'connect', 'reset'],
  ['ECONNRESET', 'stream', 'reset'],
  ['ECONNABORTED', 'connect', 'reset'],
  ['ECONNABORTED', 'stream', 'closed'],
  ['EPIPE', 'stream', 'closed'],
  ['EHOSTUNREACH', 'connect', 'unreachable', 'host'],
  ['ENETUNREACH', 'connect', 'unreachable', 'network'],
  ['ENOPROTOOPT', 'connect', 'unreachable', 'host'],
  ['EACCES', 'connect', 'forbidden-locally'],
  ['EPERM', 'connect', 'forbidden-locally'],
  ['ETIMEDOUT', 'connect', 'timed-out'],
  ['ENOTFOUND', 'connect', 'name-not-found'],
  ['EAI_AGAIN', 'connect', 'name-lookup-failed'],
  ['EADDRINUSE', 'connect', 'local-fault'],
  ['EMFILE', 'connect', 'local-fault'],
  ['EPROTO', 'connect', 'tls-failed'],
  ['CERT_HAS_EXPIRED', 'connect', 'tls-failed'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'connect', 'tls-failed'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'connect', 'tls-failed'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'connect', 'tls-failed'],
  ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 'connect', 'tls-failed'],
  ['HPE_INVALID_CONSTANT', 'connect', 'not-http'],
  ['ESOMETHINGNEW', 'connect', 'local-fault']
]

for (const [name, phase, code, what] of TABLE) {
  test(`${name} in ${phase} is ${code}`, () => {
    const below = system(name, -7)
    const error = fromSystem(below, phase)
    assert.ok(error instanceof Error)
    assert.deepEqual([error.name, error.code, error.what, error.system, error.errno, error.cause], ['TransportError', code, what, name, 7, below])
    assert.equal(error.message, below.message)
  })
}

test('an error without a code, of many addresses, or already typed', () => {
  assert.equal(fromSystem(new Error('x'), 'stream').code, 'local-fault')
  const many = new AggregateError([system('ENETUNREACH', -101), system('ECONNREFUSED', -111)])
  assert.equal(fromSystem(many, 'connect').code, 'unreachable')
  const typed = new TransportError('closed', 'x')
  assert.equal(fromSystem(typed, 'connect'), typed)
  assert.equal(fromSystem(system('ECONNRESET', undefined), 'stream').code, 'closed')
})

test('the documented codes are those of the type', () => {
  const source = readFileSync(new URL('../errors.js', import.meta.url), 'utf8')
  const documented = [...source.matchAll(/^ \* \| `([a-z-]+)` \|/gm)].map(match => match[1])
  const typed = [...source.match(/@typedef \{('[^}]+)\} Code/)[1].matchAll(/'([a-z-]+)'/g)].map(match => match[1])
  assert.deepEqual(documented.sort(), typed.sort())
  assert.equal(new Set(typed).size, typed.length)
})
