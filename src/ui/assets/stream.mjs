// Follows the API's stream in a worker, so that a page that is open for days keeps no request of its own under way.

const lostMs = 5000

connect()

function connect() {
  const stream = new EventSource('/api/v1/overview/stream')
  stream.addEventListener('open', () => postMessage('live'))
  stream.addEventListener('overview', () => postMessage('changed'))
  stream.addEventListener('error', () => {
    postMessage('lost')
    // after an answer that is no stream a browser does not come back by itself
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => void reconnect(), lostMs)
  })
}

async function reconnect() {
  const answer = await fetch('/page.css', { method: 'HEAD' }).catch(() => undefined)
  if (answer?.status === 401 || answer?.status === 403) postMessage('closed')
  else connect()
}
