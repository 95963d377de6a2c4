import { describe, expect, it } from 'vitest'
import { isSshUrl, keyTypeFor } from './key-type.ts'

const nothing = { type: '', bits: '', format: '' }

describe('the type of a new key', () => {
  it.each([
    ['git@github.com:a/b', 'ed25519'],
    ['ssh://git@git.example.com:2222/a/b', 'ed25519'],
    ['git@ssh.dev.azure.com:v3/org/project/repo', 'rsa'],
    ['ssh://git@dev.azure.com/org/project', 'rsa'],
    ['ssh://org@vs-ssh.visualstudio.com:22/v3/org/project/repo', 'rsa'],
    ['ssh://git-codecommit.eu-central-1.amazonaws.com/v1/repos/x', 'rsa'],
    ['ssh://git@dev.azure.com.example.com/x', 'ed25519'],
    ['ssh://git@notvisualstudio.com/x', 'ed25519'],
  ])('for %s is %s', (url, type) => {
    expect(keyTypeFor(url, nothing)).toEqual({ type, bits: type === 'rsa' ? '4096' : '', format: '' })
  })

  it('is what was asked for', () => {
    const asked = { type: 'ecdsa', bits: '521', format: 'PEM' }
    expect(keyTypeFor('git@ssh.dev.azure.com:v3/x', asked)).toEqual(asked)
    expect(keyTypeFor('git@github.com:a/b', { ...nothing, type: 'rsa' })).toMatchObject({ bits: '4096' })
    expect(keyTypeFor('git@github.com:a/b', { ...nothing, type: 'rsa', bits: '2048' })).toMatchObject({ bits: '2048' })
  })
})

describe('a key', () => {
  it.each([
    ['git@host:a/b', true],
    ['ssh://git@host/a', true],
    ['https://host/a', false],
    ['http://host/a', false],
    ['/srv/repo.git', false],
    ['', false],
  ])('is of use for %j: %s', (url, expected) => {
    expect(isSshUrl(url)).toBe(expected)
  })
})
