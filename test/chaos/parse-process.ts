// One long-lived process that parses what it is sent: what a file does to a parser, it does to this one.
import { parseManifests } from '../../src/domain/manifest/parse.ts'

process.on('message', ({ text, repeat }: { text: string; repeat: number }) => {
  const whole = text.repeat(repeat)
  const before = process.memoryUsage.rss()
  const [begun, used] = [performance.now(), process.threadCpuUsage()]
  const { objects, problems } = parseManifests({ file: 'hostile.yaml', text: whole })
  const { user, system } = process.threadCpuUsage(used)
  process.send?.({
    ms: performance.now() - begun,
    // others may have the processor: what counts is what this thread took of it, as the clock would say on an idle machine
    processorMs: (user + system) / 1000,
    mebibytes: (process.memoryUsage.rss() - before) / 2 ** 20,
    objects: objects.length,
    problem: problems[0]?.message ?? '',
  })
})
