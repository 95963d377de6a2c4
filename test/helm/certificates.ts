import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** PEM texts. */
export type Pair = { cert: string; key: string }
export type Certificates = { ca: string; server: Pair; client: Pair }

/** A CA of its own, a server for 127.0.0.1 and a client, made by the real openssl. */
export async function makeCertificates(directory: string): Promise<Certificates> {
  const at = (name: string) => join(directory, name)
  const openssl = async (...args: string[]) => void (await run('openssl', args))
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.crt'),
    '-subj',
    '/CN=test',
    '-days',
    '2',
  )
  writeFileSync(at('san'), 'subjectAltName=IP:127.0.0.1\n')
  const make = async (name: string): Promise<Pair> => {
    await openssl('req', ...key, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`), '-subj', `/CN=${name}`)
    const ca = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial']
    await openssl(
      'x509',
      '-req',
      '-in',
      at(`${name}.csr`),
      ...ca,
      '-out',
      at(`${name}.crt`),
      '-days',
      '2',
      '-extfile',
      at('san'),
    )
    return { cert: readFileSync(at(`${name}.crt`), 'utf8'), key: readFileSync(at(`${name}.key`), 'utf8') }
  }
  const [server, client] = [await make('server'), await make('client')]
  return { ca: readFileSync(at('ca.crt'), 'utf8'), server, client }
}
