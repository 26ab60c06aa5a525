/**
 * The program in WebAssembly, which is loaded while the page is already there.
 *
 * @module
 */

/** Not there before it is loaded. @type {typeof import('../probe.js')} */
export let program

/** Loads it, and says in one sentence when that cannot be. */
async function start () {
  try {
    if (typeof WebAssembly !== 'object') throw new Error('This browser has no WebAssembly, which p2p-probe is made of; current Chromium, Firefox and Safari have it')
    const found = await import('../probe.js')
    await found.load()
    program = found
  } catch (error) {
    throw new Error(`The program could not be loaded: ${error.message ?? error}`)
  }
}

export const loaded = start()
