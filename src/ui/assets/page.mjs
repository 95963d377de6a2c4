// Keeps the page true: the API's stream says that something has changed, then the parts that differ are swapped.
// Without this script the page is loaded again every ten seconds.

const live = document.getElementById('live')
let busy = false
let again = false

new Worker('/stream.mjs', { type: 'module' }).addEventListener('message', ({ data }) => {
  if (data === 'live') say('live')
  else if (data === 'changed') void refresh()
  // not let in any more: the server says what to do
  else if (data === 'closed') location.reload()
  else say('connection lost')
})
setInterval(keepTimes, 5000)

/** One at a time; what comes meanwhile is one more look. */
async function refresh() {
  again = true
  if (busy) return
  busy = true
  try {
    while (again) {
      again = false
      const answer = await fetch('/', { headers: { accept: 'text/html' } })
      if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), 'text/html'))
    }
  } catch {
    say('connection lost')
  } finally {
    busy = false
  }
}

function swap(next) {
  const verdict = document.getElementById('verdict')
  const told = next.getElementById('verdict')
  verdict.className = told.className
  // the same element, so that screen readers tell the change
  if (verdict.textContent !== told.textContent) verdict.textContent = told.textContent
  for (const part of document.querySelectorAll('[data-part]')) {
    const other = next.getElementById(part.id)
    if (!other || part.innerHTML === other.innerHTML) continue
    for (const fold of part.querySelectorAll('details[open]')) {
      const same = other.querySelector(`details[id="${CSS.escape(fold.id)}"]`)
      if (same) same.open = true
    }
    const focused = part.contains(document.activeElement) ? markOf(document.activeElement) : undefined
    part.replaceChildren(...other.childNodes)
    if (focused) [...part.querySelectorAll('a, summary')].find((one) => markOf(one) === focused)?.focus()
  }
  keepTimes()
}

/** What makes an element the same one after a swap. */
function markOf(element) {
  return element.getAttribute('href') ?? element.parentElement?.id
}

function say(words) {
  live.textContent = words
  live.className = words === 'live' ? 'good' : 'bad'
}

function keepTimes() {
  for (const time of document.querySelectorAll('time')) {
    const ms = Date.now() - Date.parse(time.dateTime)
    const text = distance(Math.abs(ms))
    const isDue = 'due' in time.dataset
    if (isDue) time.textContent = ms < 0 ? `in ${text}` : 'now'
    else time.textContent = `${ms < 0 ? '0 s' : text} ago`
  }
}

function distance(ms) {
  const seconds = Math.round(ms / 1000)
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`
}
