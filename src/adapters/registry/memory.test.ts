import { expect, it } from 'vitest'
import type { ImageTimes } from './image-time.ts'
import { createKnownImages } from './memory.ts'

const digest = `sha256:${'a'.repeat(64)}`

/** A read of the image that ends when the test says so. */
function slowRead() {
  const { promise, resolve, reject } = Promise.withResolvers<ImageTimes | undefined>()
  const counted = { reads: 0 }
  const read = async (): Promise<ImageTimes | undefined> => {
    counted.reads++
    return await promise
  }
  return { counted, read, resolve, reject }
}

it('is read once where two tags that name it are described at the same time', async () => {
  const images = createKnownImages(undefined)
  const { counted, read, resolve } = slowRead()
  const both = Promise.all([images.getOrRead(digest, read), images.getOrRead(digest, read)])
  resolve({ created: 1 })
  expect(await both).toEqual([{ created: 1 }, { created: 1 }])
  expect(await images.getOrRead(digest, read)).toEqual({ created: 1 })
  expect(counted.reads).toBe(1)
})

it.each([
  ['failed', (first: ReturnType<typeof slowRead>) => first.reject(new Error('Forbidden'))],
  ['found nothing', (first: ReturnType<typeof slowRead>) => first.resolve(undefined)],
])('is read by who waited where the other %s', async (_, end) => {
  const images = createKnownImages(undefined)
  const first = slowRead()
  const both = Promise.allSettled([
    images.getOrRead(digest, first.read),
    images.getOrRead(digest, async () => ({ created: 2 })),
  ])
  end(first)
  const [, second] = await both
  expect(second).toEqual({ status: 'fulfilled', value: { created: 2 } })
  expect(await images.get(digest)).toEqual({ created: 2 })
})

it('is not waited for by a job that must end, and read on by the other', async () => {
  const images = createKnownImages(undefined)
  const { read, resolve } = slowRead()
  const stop = new AbortController()
  const first = images.getOrRead(digest, read)
  const second = images.getOrRead(digest, read, stop.signal)
  stop.abort(new Error('stopped'))
  await expect(second).rejects.toThrow('stopped')
  resolve({ created: 1 })
  expect(await first).toEqual({ created: 1 })
})
