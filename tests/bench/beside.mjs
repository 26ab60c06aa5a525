// What the JS transport is measured beside: the native program's own TCP, in the same run.
import { execFileSync, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { homedir } from 'node:os'
import { fileURLToPath } from 'node:url'

const cache = process.env.P2P_PROBE_CACHE ?? `${process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`}/p2p-probe`
const target = process.env.CARGO_TARGET_DIR ?? `${cache}/target`
export const PROGRAM = process.env.PROGRAM ?? `${target}/release/p2p-probe`
export const DRIVER = process.env.DRIVER ?? `${target}/wasm/transport-driver`
export const GO_PEER = process.env.GO_PEER ?? `${cache}/interop/go-peer`

/** What one upload carries: long enough that its start does not count. */
export const BYTES = 64 << 20

export const median = values => [...values].sort((a, b) => a - b)[values.length >> 1]
export const rate = seconds => BYTES / (1 << 20) / seconds

/** Starts a program, and gives its lines as JSON. */
export function started (program, args) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${program} ended`)
    return JSON.parse(value)
  }
  return { child, next }
}

/** A node of go-libp2p that takes uploads over TCP and over WebSocket. */
export async function takesUploads () {
  const { child, next } = started(GO_PEER, ['serve', '--perf', '--listen', '/ip4/127.0.0.1/tcp/0', '--listen', '/ip4/127.0.0.1/tcp/0/ws'])
  const { addrs } = await next()
  return { child, tcp: addrs.find(address => !address.includes('/ws')), ws: addrs.find(address => address.includes('/ws')) }
}

/** The rate of one upload of the native program (upload.rs): of what `cargo bench` runs, or of the program that BENCH names. */
export function natively (address) {
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  const [program, ...before] = process.env.BENCH === undefined ? ['cargo', 'bench', '--quiet', '--bench', 'bench', '--'] : [process.env.BENCH]
  const args = [...before, 'upload', address, String(BYTES)]
  return rate(Number(execFileSync(program, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' })))
}

/** How long the whole process of a native dial takes. */
export function dialed (address) {
  const begin = performance.now()
  execFileSync(PROGRAM, ['dial', address, '--no-announced', '--ping', '1', '--format', 'json'], { stdio: 'ignore' })
  return performance.now() - begin
}
