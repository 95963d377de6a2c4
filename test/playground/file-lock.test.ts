import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { dropDeadLock, takeFileLock } from '../../playground/stack/file-lock.ts'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'capstan-lock-'))
  file = join(folder, 'lock')
})
afterEach(() => rmSync(folder, { recursive: true }))

it('is held by one, and free again after its release', () => {
  const first = takeFileLock(file)
  expect(takeFileLock(file)).toMatchObject({ holder: { pid: process.pid } })
  if ('release' in first) first.release()
  const second = takeFileLock(file)
  expect(second).toHaveProperty('release')
  if ('release' in second) second.release()
  expect(readdirSync(folder)).toEqual([])
})

it('is taken over from a holder who is dead', () => {
  const { pid } = spawnSync('true')
  writeFileSync(file, JSON.stringify({ pid, started: '1' }))
  expect(takeFileLock(file)).toHaveProperty('release')
})

it('is dropped when its holder is dead, and only then', () => {
  const { pid } = spawnSync('true')
  writeFileSync(file, JSON.stringify({ pid, started: '1' }))
  dropDeadLock(file)
  expect(readdirSync(folder)).toEqual([])
  takeFileLock(file)
  dropDeadLock(file)
  expect(readdirSync(folder)).toEqual(['lock'])
})

it('is taken over from a dead holder whose pid somebody else has by now', () => {
  writeFileSync(file, JSON.stringify({ pid: process.pid, started: 'earlier' }))
  expect(takeFileLock(file)).toHaveProperty('release')
})
