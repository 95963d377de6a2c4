import { expect, it } from 'vitest'
import { fillIn } from './sample-repository.ts'

const addresses = { registry: '127.0.0.1:20003', charts: 'http://127.0.0.1:20004', git: 'http://127.0.0.1:20005' }

it('puts the real addresses into the sample', () => {
  const text =
    'image: registry.playground/shop/web:1.0.0\nrepository: http://charts.playground\ngit: http://git.playground/sample.git\n'
  expect(fillIn(text, addresses)).toBe(
    'image: 127.0.0.1:20003/shop/web:1.0.0\nrepository: http://127.0.0.1:20004\ngit: http://127.0.0.1:20005/sample.git\n',
  )
})
