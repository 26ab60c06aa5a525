/**
 * Where a report goes: stdout, a file that is written whole or not at all, or a device or pipe that has a name.
 *
 * @module
 */

import { closeSync, constants, fsyncSync, openSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Those that nobody has finished: whatever ends the program, a draft is removed. @type {Set<Output>} */
const open = new Set()
process.on('exit', () => { for (const output of open) output.abandon() })

/** An output that is written piece by piece. */
export class Output {
  /** @type {number | undefined} */
  #file
  /** @type {{ at: string, path: string } | undefined} a regular file has another name until it is whole */
  #draft
  #path

  /**
   * Opens it before the run, so that a folder that does not exist costs no time.
   *
   * @param {string} [path] none for stdout
   */
  constructor (path) {
    this.#path = path
    if (path === undefined) return
    this.#try(() => {
      const found = statSync(path, { throwIfNoEntry: false })
      if (found?.isDirectory()) throw new Error('it is a folder')
      if (found !== undefined && !found.isFile()) this.#file = openSync(path, constants.O_WRONLY)
      // Beside the file that a link leads to, not in place of the link.
      else this.#begin(found === undefined ? path : realpathSync(path))
    }, '; name a file in a folder that there is, or - for stdout')
  }

  /** @param {string} path */
  #begin (path) {
    const name = basename(path)
    if (name === '') throw new Error('a file has a name')
    const at = join(dirname(path), `.${name}.${process.pid}.part`)
    // One that is there already is not this one's, and may be a link.
    this.#file = openSync(at, 'wx')
    this.#draft = { at, path }
    open.add(this)
  }

  /** @param {string} text */
  write (text) {
    const file = this.#file
    if (file === undefined) process.stdout.write(text)
    else this.#try(() => writeFileSync(file, text))
  }

  /** Gives a file its name. */
  finish () {
    const [file, draft] = [this.#file, this.#draft]
    if (file === undefined) return
    this.#try(() => {
      if (draft !== undefined) fsyncSync(file)
      this.#close()
      if (draft !== undefined) renameSync(draft.at, draft.path)
    })
    this.#draft = undefined
    open.delete(this)
  }

  /** What is not finished is removed. */
  abandon () {
    open.delete(this)
    this.#close()
    if (this.#draft !== undefined) rmSync(this.#draft.at, { force: true })
    this.#draft = undefined
  }

  #close () {
    const file = this.#file
    this.#file = undefined
    if (file !== undefined) closeSync(file)
  }

  /**
   * @param {() => void} work
   * @param {string} [advice]
   */
  #try (work, advice = '') {
    try {
      work()
    } catch (cause) {
      const { code, message } = /** @type {NodeJS.ErrnoException} */ (cause)
      // Of `ENOENT: no such file or directory, open '…'` what the system says.
      const words = code === undefined ? message : message.replace(/^\w+: /, '').replace(/, \w+( '.*)?$/s, '')
      throw new Error(`-o, --output: cannot write ${this.#path}: ${words}${advice}`, { cause })
    }
  }
}
