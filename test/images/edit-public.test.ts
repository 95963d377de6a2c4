import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { tryEdit } from './edit-files.ts'

const folder = fileURLToPath(new URL('../fixtures/repositories', import.meta.url))
const files = globSync('**/*.{yaml,yml}', { cwd: folder }).toSorted()
/** More than any of these files has images. */
const mostImages = 3

describe('the image of a manifest of a public repository', () => {
  const withImages = files.filter((file) => tryEdit(readFileSync(`${folder}/${file}`, 'utf8'), 0, 'new'))

  it('is found in some of them', () => {
    expect(withImages.length).toBeGreaterThan(5)
  })

  it.each(withImages)('changes by its own bytes alone: %s', (file) => {
    const text = readFileSync(`${folder}/${file}`, 'utf8')
    for (const whole of [text, text.replaceAll('\n', '\r\n'), `\ufeff${text}`, text.replaceAll(/$/gm, ' # kept')])
      for (let pick = 0; pick < mostImages; pick++)
        expect([pick, tryEdit(whole, pick, '9.9.9')]).toEqual([
          pick,
          { refused: '', isOneScalar: true, isIdempotent: true },
        ])
  })
})
