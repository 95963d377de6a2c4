import { describe, expect, it } from 'vitest'
import { loadConfig } from '../config/load.ts'
import { isAtLeast, programsFor, versionIn } from './programs.ts'

describe('versionIn', () => {
  it.each([
    ['git version 2.39.5', '2.39.5'],
    ['v3.22.0+g144ff1f', '3.22.0'],
    ['OpenSSH_9.2p1 Debian-2+deb12u6, OpenSSL 3.0.16', '9.2'],
    ['gpg (GnuPG) 2.2.40\nlibgcrypt 1.10.1', '2.2.40'],
    ['Redis server v=7.0.15 sha=00000000:0', '7.0.15'],
    ['no version at all', ''],
  ])('finds in %j', (printed, version) => {
    expect(versionIn(printed)).toBe(version)
  })
})

describe('isAtLeast', () => {
  it.each([
    ['2.39.5', '2.30', true],
    ['2.30', '2.30', true],
    ['2.9', '2.30', false],
    ['3.0.1', '2.30', true],
    ['1.99', '2.0', false],
    ['', '', true],
  ])('%j and %j', (version, from, isEnough) => {
    expect(isAtLeast(version, from)).toBe(isEnough)
  })
})

describe('programsFor', () => {
  const required = (...argv: string[]) => {
    const loaded = loadConfig({ argv, env: {} })
    if (!('config' in loaded)) return expect.fail(JSON.stringify(loaded))
    return programsFor(loaded.config).flatMap(({ command, isRequired }) => (isRequired ? [command] : []))
  }

  it.each<[string, string[], string[]]>([
    ['no flag', [], ['git', 'helm', 'redis-server']],
    ['a Redis elsewhere and syncs alone', ['--redis-url=redis://a', '--enable=sync'], ['git']],
    [
      'an ssh repository',
      ['--redis-url=redis://a', '--enable=sync', '--git-url=git@a:b'],
      ['git', 'ssh', 'ssh-keygen'],
    ],
    [
      'what reads files in its own way',
      [
        '--redis-url=redis://a',
        '--enable=sync',
        '--git-url=https://a/b',
        '--kustomize',
        '--sops',
        '--git-signing-key=A',
      ],
      ['git', 'kustomize', 'sops', 'gpg'],
    ],
    ['another helm', ['--redis-url=redis://a', '--enable=releases', '--helm-binary=/opt/helm'], ['git', '/opt/helm']],
  ])('with %s', (_what, argv, commands) => {
    expect(required(...argv)).toEqual(commands)
  })
})
