import { expect, it } from 'vitest'
import { readChartPlugin } from './chart-plugin.ts'

const s3 = `name: s3
version: 0.16.2
downloaders:
- command: bin/helms3 download
  protocols: [s3, S3+X]
`

it('reads the name of a plugin, its program and the schemes', () => {
  expect(readChartPlugin(s3)).toEqual({
    name: 's3',
    downloaders: [{ command: ['bin/helms3', 'download'], schemes: ['s3', 's3+x'] }],
  })
})

it.each([
  ['no plugin', 'entries: {}'],
  ['no YAML', 'a: [b'],
])('is undefined of a file that is %s', (_fact, text) => expect(readChartPlugin(text)).toBeUndefined())

it.each([
  ['downloads nothing', 'name: diff'],
  ['runs a program elsewhere', 'name: x\ndownloaders: [{command: ../../bin/sh, protocols: [s3]}]'],
  ['runs a program of the system', 'name: x\ndownloaders: [{command: /bin/sh, protocols: [s3]}]'],
  ['wants the schemes that are Capstan’s', 'name: x\ndownloaders: [{command: get, protocols: [https, oci, file]}]'],
])('has no downloader of a plugin that %s', (_fact, text) =>
  expect(readChartPlugin(text)).toEqual({ name: expect.any(String), downloaders: [] }),
)
