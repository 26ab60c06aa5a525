import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { HOSTS_LIMIT, hosts } from '../hosts.js'
import { names } from '../names.js'

/** A file of names. */
function file (t, text) {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-probe-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'hosts')
  writeFileSync(path, text)
  return path
}

/** A DNS server that says of every name that there is none, and notes what it was asked. */
async function nobody (t) {
  const asked = []
  const socket = createSocket('udp4').on('message', (query, from) => {
    const labels = []
    for (let at = 12; query[at] > 0; at += query[at] + 1) labels.push(String(query.subarray(at + 1, at + 1 + query[at])))
    asked.push(labels.join('.'))
    const answer = Buffer.from(query)
    // An answer, NXDOMAIN, and nothing but the question in it.
    answer[2] |= 0x80
    answer[3] = 0x83
    answer.fill(0, 6, 12)
    socket.send(answer, from.port, from.address)
  })
  t.after(() => socket.close())
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { server: `127.0.0.1:${socket.address().port}`, asked }
}

const HOSTS = `\ufeff127.0.0.1\tlocalhost own.localhost
# 192.0.2.1 comment.example
192.0.2.5  Node.LAN.example  node # a comment
192.0.2.6\tnode.lan.example\r
2001:db8::5 node.lan.example other.lan.example.
fe80::1%eth0 link.lan.example
nonsense wrong.lan.example
192.0.2.7
`

test('names of the hosts file are known without a question', async t => {
  const { lookup } = names({ hosts: file(t, HOSTS) })
  for (const [name, type, expected] of [
    ['node.lan.example', 'A', ['192.0.2.5', '192.0.2.6']],
    ['node.lan.example.', 'A', ['192.0.2.5', '192.0.2.6']],
    ['NODE.lan.Example', 'AAAA', ['2001:db8::5']],
    ['other.lan.example', 'AAAA', ['2001:db8::5']],
    ['node', 'A', ['192.0.2.5']],
    ['own.localhost', 'A', ['127.0.0.1']]
  ]) {
    assert.deepEqual(await lookup(name, type), expected, `${name} ${type}`)
  }
  const known = hosts(file(t, HOSTS))
  for (const [name, family] of [['comment.example', 4], ['link.lan.example', 6], ['wrong.lan.example', 4], ['lan.example', 4], ['192.0.2.7', 4], ['', 4]]) {
    assert.deepEqual(await known(name, family), [], name)
  }
})

test('a name of this machine is asked of nobody', async t => {
  const { server, asked } = await nobody(t)
  const resolver = names({ server })
  for (const name of ['localhost', 'localhost.', 'own.localhost', 'LOCALHOST']) {
    assert.deepEqual([await resolver.lookup(name, 'A'), await resolver.lookup(name, 'AAAA')], [['127.0.0.1'], ['::1']])
  }
  assert.deepEqual(asked, [])
})

test('a resolver that was named is asked, and nothing else', async t => {
  const { server, asked } = await nobody(t)
  const resolver = names({ server, hosts: file(t, HOSTS) })
  for (const name of ['node.lan.example', 'node']) await assert.rejects(resolver.lookup(name, 'A'), { code: 'name-not-found' })
  assert.deepEqual(asked, ['node.lan.example', 'node'])
})

test('of a file without end the begin is read, and one that is not there holds nothing', async t => {
  const path = file(t, '192.0.2.5 first.example\n')
  const handle = openSync(path, 'r+')
  writeSync(handle, '\n192.0.2.6 beyond.example\n', HOSTS_LIMIT)
  const known = hosts(path)
  assert.deepEqual([await known('first.example', 4), await known('beyond.example', 4)], [['192.0.2.5'], []])
  for (const nothing of ['/nowhere', tmpdir()]) assert.deepEqual(await hosts(nothing)('first.example', 4), [])
})
