// A libp2p stream on a data channel (libp2p specs, webrtc/README.md), as far as a test needs it.
import { bytesField, concat, readFields, readVarint, utf8, varint } from './bytes.js'

const FIN = Uint8Array.of(0x08, 0)

export class Stream {
  #channel
  #messages = new Uint8Array()
  #bytes = new Uint8Array()
  #failed = null
  #wake = () => {}

  constructor (channel) {
    this.#channel = channel
    channel.binaryType = 'arraybuffer'
    channel.onmessage = ({ data }) => this.#take(new Uint8Array(data))
    channel.onclose = () => this.#fail(new Error('the data channel was closed'))
    channel.onerror = ({ error }) => this.#fail(error)
  }

  #take (data) {
    this.#messages = concat(this.#messages, data)
    for (let length; (length = readVarint(this.#messages)) != null && this.#messages.length >= length.end + length.value;) {
      const end = length.end + length.value
      const message = readFields(this.#messages.slice(length.end, end))
      this.#messages = this.#messages.slice(end)
      this.#bytes = concat(this.#bytes, message[2] ?? new Uint8Array())
      if (message[1] === 2) this.#failed ??= new Error('the stream was reset')
    }
    this.#wake()
  }

  #fail (error) {
    this.#failed ??= error
    this.#wake()
  }

  async opened () {
    if (this.#channel.readyState === 'open') return
    await new Promise((resolve, reject) => {
      this.#channel.onopen = resolve
      this.#wake = () => reject(this.#failed)
    })
    this.#wake = () => {}
  }

  write (bytes) { this.#send(bytesField(2, bytes)) }

  finish () { this.#send(FIN) }

  #send (message) { this.#channel.send(concat(varint(message.length), message)) }

  /** That many bytes, once they have come. */
  async read (count) {
    while (this.#bytes.length < count) {
      if (this.#failed != null) throw this.#failed
      await new Promise(resolve => { this.#wake = resolve })
    }
    const bytes = this.#bytes.slice(0, count)
    this.#bytes = this.#bytes.slice(count)
    return bytes
  }

  async #line () {
    const [length] = await this.read(1)
    return new TextDecoder().decode(await this.read(length)).trimEnd()
  }

  /** Agrees on a protocol by multistream-select. */
  async select (protocol) {
    const lines = ['/multistream/1.0.0', protocol]
    this.write(concat(...lines.map(line => concat(varint(line.length + 1), utf8(`${line}\n`)))))
    for (const line of lines) {
      const answer = await this.#line()
      if (answer !== line) throw new Error(`asked for ${line}, told ${answer}`)
    }
  }
}
