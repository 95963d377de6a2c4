// Sends junk webhooks to a port at a steady rate until it is ended, whatever the answers are: PORT A_SECOND. Prints how many it sent and
// how many were answered, a line every second.
import { connect, type Socket } from 'node:net'

const [port = '', perSecond = '1000'] = process.argv.slice(2)
const everyMs = 20
const body = 'x'.repeat(1024)
const head = [
  'POST /hooks/v1/default HTTP/1.1',
  'host: 127.0.0.1',
  `x-hub-signature-256: sha256=${'0'.repeat(64)}`,
  `content-length: ${body.length}`,
]
const request = `${head.join('\r\n')}\r\n\r\n${body}`
/** More than this and the server reads too slowly: no more is sent there, as by a sender that waits. */
const mostUnsent = 64 * 1024
let [sent, answered] = [0, 0]

function open(): Socket {
  const socket = connect(Number(port), '127.0.0.1')
  socket.setEncoding('latin1').on('data', (text: string) => {
    answered += text.split('HTTP/1.1 ').length - 1
  })
  return socket.on('error', () => {})
}

const sockets = Array.from({ length: 50 }, open)
setInterval(() => {
  for (let turn = 0; turn < (Number(perSecond) * everyMs) / 1000; turn++) {
    const at = sent % sockets.length
    const socket = sockets[at]
    if (!socket || socket.destroyed) sockets[at] = open()
    else if (socket.writableLength < mostUnsent) socket.write(request)
    sent++
  }
}, everyMs)
setInterval(() => process.stdout.write(`${sent} ${answered}\n`), 1000)
