// The playground's chart repository as a process of its own: serves a folder that was packaged and indexed before.
import { parseArgs } from 'node:util'
import { serveCharts } from '../stack/chart-repository.ts'

const { values } = parseArgs({ options: { root: { type: 'string' }, port: { type: 'string' } } })
const { root = '.', port } = values
await serveCharts({ root, port: Number(port) })
console.log(`chart repository on http://127.0.0.1:${port}/ serves ${root}`)
