import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Incoming } from '../incoming.js'
import { Outgoing } from '../outgoing.js'

const bytes = (...values) => Uint8Array.from(values).buffer
const next = incoming => incoming.iterator.next()

test('chunks come in order, then the end once, then nothing', async () => {
  const incoming = new Incoming()
  incoming.push(bytes(1))
  incoming.push(bytes(2, 3))
  incoming.end()
  assert.deepEqual(await next(incoming).value, bytes(1))
  assert.deepEqual(await next(incoming).value, bytes(2, 3))
  assert.equal(await next(incoming).value, null)
  assert.deepEqual(next(incoming), { done: true, value: undefined })
})

test('a failure comes after what had arrived, once', async () => {
  const incoming = new Incoming()
  const error = new Error('broken')
  incoming.push(bytes(1))
  incoming.fail(error)
  incoming.fail(new Error('later'))
  incoming.end()
  assert.deepEqual(await next(incoming).value, bytes(1))
  await assert.rejects(next(incoming).value, error)
  assert.equal(next(incoming).done, true)
})

test('whoever waits gets what comes: bytes, the end, a failure', async () => {
  const incoming = new Incoming()
  const first = next(incoming).value
  incoming.push(bytes(7))
  assert.deepEqual(await first, bytes(7))
  const second = next(incoming).value
  incoming.end()
  assert.equal(await second, null)
  assert.equal(next(incoming).done, true)

  const other = new Incoming()
  const waiting = next(other).value
  other.fail(new Error('broken'))
  await assert.rejects(waiting, /broken/)
  assert.equal(next(other).done, true)
})

test('dropping forgets what had arrived, and an end not yet told', async () => {
  const incoming = new Incoming()
  incoming.push(bytes(1, 2, 3))
  incoming.end()
  incoming.drop(new Error('dropped'))
  assert.equal(incoming.cost, 0)
  await assert.rejects(next(incoming).value, /dropped/)
})

test('nothing is not an end', async () => {
  const incoming = new Incoming()
  const waiting = next(incoming).value
  incoming.push(bytes())
  incoming.push(bytes(9))
  assert.deepEqual(await waiting, bytes(9))
})

test('reading ahead of a promise throws', () => {
  const incoming = new Incoming()
  next(incoming)
  assert.throws(() => next(incoming), /has not settled/)
})

test('the cost follows what waits, however much passes through', async () => {
  let taken = 0
  const incoming = new Incoming(() => { taken += 1 })
  for (let round = 0; round < 2000; round++) {
    for (let index = 0; index < 5; index++) incoming.push(bytes(round & 255), 10)
    if (round >= 1000) for (let index = 0; index < 9; index++) await next(incoming).value
  }
  assert.equal(taken, 9000)
  assert.equal(incoming.cost, 10_000)
})

test('room settles those who wait, a failure settles all that come', async () => {
  const outgoing = new Outgoing()
  const first = outgoing.wait()
  const hasty = outgoing.wait()
  outgoing.room()
  await Promise.all([first, hasty])
  assert.equal(outgoing.waiting, false)
  const second = outgoing.wait()
  outgoing.fail(new Error('first reason'))
  outgoing.fail(new Error('second reason'))
  await assert.rejects(second, /first reason/)
  await assert.rejects(outgoing.wait(), /first reason/)
})
