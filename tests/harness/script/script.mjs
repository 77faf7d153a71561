// The end of the conversation that a script for Node.js has.
import { readSync } from 'node:fs'

function read() {
  const newline = '\n'.charCodeAt(0)
  let text = Buffer.alloc(0)
  while (text.at(-1) !== newline) {
    const buffer = Buffer.alloc(1 << 16)
    const n = readSync(0, buffer)
    if (n === 0) throw new Error('nobody answers')
    text = Buffer.concat([text, buffer.subarray(0, n)])
  }
  return JSON.parse(text.toString())
}

/** @param {object} line */
const write = (line) => process.stdout.write(JSON.stringify(line) + '\n')

/** @type {{url: string, userpoolId: string, appId: string, appSecret: string, accessKeyId: string, accessKeySecret: string}} */
export const menshen = read()

/**
 * @param {string} what
 * @param {string} of
 * @returns {string}
 */
export function ask(what, of) {
  write({ ask: what, of })
  return read()
}

/**
 * In the order of the calls. A step that fails does not keep the next from trying.
 * @param {string} name
 * @param {() => Promise<void>} take
 */
export async function step(name, take) {
  try {
    await take()
    write({ step: name, ok: true })
  } catch (err) {
    const { stack, response } = /** @type {any} */ (err)
    // An AxiosError says nothing of the answer by itself.
    const answer = response ? ` (HTTP ${response.status} ${JSON.stringify(response.data)})` : ''
    write({ step: name, ok: false, detail: stack + answer })
  }
}
