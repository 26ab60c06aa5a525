// What the WebAssembly of the page consists of, by crate. `node tests/bench/wasm.mjs FILE [PATTERN…]`, after
//   cargo rustc -p wasm-probe --lib --target wasm32-unknown-unknown --profile wasm --target-dir FOLDER -- -C strip=none
// which leaves FILE, with the names of its functions, in FOLDER/wasm32-unknown-unknown/wasm/wasm_probe.wasm. With patterns it tells
// of the functions whose names match instead. What something costs is how much less the code takes in brotli without it: the
// figures of parts that are alike add up to less than both together.
import { readFileSync } from 'node:fs'
import { brotliCompressSync, constants } from 'node:zlib'

/** Sections of the binary format (WebAssembly core specification, section 5.5). */
const [CUSTOM, IMPORT, CODE, DATA] = [0, 2, 10, 11]
/** Kinds of imports. */
const [FUNCTION, TABLE, MEMORY] = [0, 1, 2]
/** A crate below this share is not shown by itself. */
const LEAST = 10_000
/** Quick, and within a few hundredths of the best. */
const QUALITY = 9
/** What wasm-bindgen reads and takes away. */
const DESCRIPTION = /__wbindgen_describe/

class Reader {
  constructor (bytes) { Object.assign(this, { bytes, at: 0 }) }
  get more () { return this.at < this.bytes.length }
  byte () { return this.bytes[this.at++] }
  number () {
    for (let value = 0, factor = 1; ; factor *= 128) {
      const byte = this.byte()
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }

  take (length = this.number()) {
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  text () { return Buffer.from(this.take()).toString() }
  list (read) { return Array.from({ length: this.number() }, read) }
}

function sections (bytes) {
  const [reader, found] = [new Reader(bytes.subarray(8)), {}]
  while (reader.more) {
    const id = reader.byte()
    const body = new Reader(reader.take())
    found[id === CUSTOM ? body.text() : id] = body
  }
  return found
}

/** How many functions are imported: those are numbered first. */
function imported (reader) {
  const limits = () => { if ((reader.byte() & 1) === 1) reader.number(); reader.number() }
  const kinds = reader.list(() => {
    reader.text()
    reader.text()
    const kind = reader.byte()
    if (kind === FUNCTION) reader.number()
    else if (kind === TABLE) { reader.byte(); limits() } else if (kind === MEMORY) limits()
    else reader.take(2)
    return kind
  })
  return kinds.filter(kind => kind === FUNCTION).length
}

function names (reader) {
  const found = new Map()
  while (reader.more) {
    const id = reader.byte()
    const part = new Reader(reader.take())
    if (id === 1) part.list(() => found.set(part.number(), part.text()))
  }
  return found
}

/** The crate that a function comes from, by its mangled name. A generic one belongs to who wrote it, not to who uses it. */
function crate (name) {
  if (name.startsWith('_R')) return /C[a-zA-Z0-9]*?_(\d+)_?([a-z_]\w*)/.exec(name)?.slice(1).reduce((length, rest) => rest.slice(0, length)) ?? 'others'
  const [, length, rest = ''] = /^_ZN(\d+)(.*)$/.exec(name) ?? []
  const path = rest.slice(0, length).replace(/^_/, '').replace(/\$LT\$/g, '<').replace(/\$RF\$/g, '&').replace(/\$u20\$/g, ' ').replace(/\.\./g, '::')
  const first = /^(?:<|&|mut |dyn |impl )*([a-z_][a-z0-9_]*)(?:::|$)/.exec(path) ?? / as ([a-z_0-9]+)::/.exec(path)
  return first?.[1] ?? 'others'
}

const compressed = bytes => brotliCompressSync(bytes, {
  params: { [constants.BROTLI_PARAM_QUALITY]: QUALITY, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
}).length

const [file, ...patterns] = process.argv.slice(2)
const parts = sections(readFileSync(file))
if (parts.name === undefined) throw new Error(`${file} has no names of functions: see the head of this file`)
const [first, known] = [imported(parts[IMPORT]), names(parts.name)]
const all = parts[CODE].list(() => parts[CODE].take()).map((code, index) => ({ code, name: known.get(first + index) ?? '' }))
const functions = all.filter(({ name }) => !DESCRIPTION.test(name))
const joined = functions => Buffer.concat(functions.map(({ code }) => code))
const whole = compressed(joined(functions))
const kb = bytes => (bytes / 1000).toFixed(1)

/** A row about some of the functions. */
function row (what, some) {
  const set = new Set(some)
  const without = compressed(joined(functions.filter(one => !set.has(one))))
  return { what, count: some.length, raw: joined(some).length, cost: whole - without }
}

const groups = new Map()
if (patterns.length > 0) {
  for (const pattern of patterns) groups.set(pattern, functions.filter(({ name }) => new RegExp(pattern).test(name)))
} else {
  const by = Map.groupBy?.(functions, ({ name }) => crate(name)) ?? functions.reduce((by, one) => by.set(crate(one.name), [...by.get(crate(one.name)) ?? [], one]), new Map())
  const few = []
  for (const [name, some] of by) if (joined(some).length < LEAST) few.push(...some); else groups.set(name, some)
  groups.set('others', [...few, ...groups.get('others') ?? []])
}
const rows = [...groups].map(([name, some]) => row(name, some)).sort((a, b) => b.cost - a.cost)
console.log('| part | functions | raw, kB | costs in brotli, kB |\n| --- | --- | --- | --- |')
for (const { what, count, raw, cost } of rows) console.log(`| ${what} | ${count} | ${kb(raw)} | ${kb(cost)} |`)
console.log(`| all code | ${functions.length} | ${kb(joined(functions).length)} | ${kb(whole)} |`)
const data = parts[DATA].bytes
console.log(`| data: texts, tables | | ${kb(data.length)} | ${kb(compressed(data))} |`)
