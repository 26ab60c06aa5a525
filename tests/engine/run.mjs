// Runs a WebAssembly program that may import nothing: whatever it needs of an operating system would be an import.
import { readFile } from 'node:fs/promises'

const module = await WebAssembly.compile(await readFile(process.argv[2]))
const imports = WebAssembly.Module.imports(module)
if (imports.length > 0) {
  console.error('the engine asks its host for', imports.map((i) => `${i.module}.${i.name}`).join(', '))
  process.exit(1)
}
const { exports } = await WebAssembly.instantiate(module, {})
const code = exports.main(0, 0)
console.log(code === 0 ? 'a plan with fake probes runs as WebAssembly, without an import' : `the plan ended with ${code}`)
process.exit(code)
