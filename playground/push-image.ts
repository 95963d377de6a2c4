// Pushes a tiny image to the playground's registry: node bin/boot.mjs playground/push-image.ts shop/web:1.0.1
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { PlaygroundFile } from './playground-file.ts'
import { pushImage } from './stack/push-image.ts'

const [repository, tag] = (process.argv[2] ?? '').split(':')
const stateDir = process.argv[3] ?? '.capstan'
if (!repository || !tag) {
  console.error('usage: node bin/boot.mjs playground/push-image.ts REPOSITORY:TAG [STATE-DIR]')
  process.exit(64)
}
const { registry } = JSON.parse(readFileSync(resolve(stateDir, 'playground.json'), 'utf8')) as PlaygroundFile
console.log(`${registry}/${repository}:${tag} ${await pushImage({ registry, repository, tag })}`)
