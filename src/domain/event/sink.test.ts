import { describe, expect, it } from 'vitest'
import { ageRuleOf, readSinks, sinkTypes, upstreamSink } from './sink.ts'

const hook = { name: 'audit', type: 'webhook', url: 'https://a.example/x', secretFile: '/run/secret' }

describe('a file of sinks', () => {
  it('names where events are sent, with secrets or the files they are in', () => {
    const github = { name: 'status', type: 'github', tokenFile: '/run/token', repository: 'me/cluster' }
    const slack = { name: 'team', type: 'slack', urlFile: '/run/url', severity: 'warning', namespaces: ['demo'] }
    expect(readSinks({ sinks: [hook, github, { ...slack, template: '{{ source }}: {{message}}' }] })).toEqual({
      problems: [],
      sinks: [
        {
          name: 'audit',
          type: 'webhook',
          url: { value: 'https://a.example/x' },
          secret: { file: '/run/secret' },
          repository: '',
          template: '',
          filter: {},
        },
        {
          name: 'status',
          type: 'github',
          url: { value: 'https://api.github.com' },
          token: { file: '/run/token' },
          repository: 'me/cluster',
          template: '',
          filter: { types: ['sync'] },
        },
        {
          name: 'team',
          type: 'slack',
          url: { file: '/run/url' },
          repository: '',
          template: '{{ source }}: {{message}}',
          filter: { severity: 'warning', namespaces: ['demo'] },
        },
      ],
    })
  })

  it.each<[what: string, file: unknown, problem: RegExp]>([
    ['nothing', null, /list named sinks/],
    ['a list', [hook], /list named sinks/],
    ['more than that', { sinks: [], others: 1 }, /nothing else/],
    ['a text as a sink', { sinks: ['audit'] }, /sink 1: name/],
    ['a name that names no job', { sinks: [{ ...hook, name: 'a/b' }] }, /name must be/],
    ['a name twice', { sinks: [hook, hook] }, /same name/],
    ['an unknown type', { sinks: [{ ...hook, type: 'pigeon' }] }, /type must be one of webhook, slack/],
    ['a field that is none', { sinks: [{ ...hook, secert: 'x' }] }, /secert is no field/],
    ['no URL', { sinks: [{ ...hook, url: undefined }] }, /url or urlFile is missing/],
    ['a URL of another kind', { sinks: [{ ...hook, url: 'file:///etc/passwd' }] }, /must begin with http/],
    ['a webhook that nobody signs', { sinks: [{ ...hook, secretFile: undefined }] }, /secret or secretFile is missing/],
    ['a secret twice', { sinks: [{ ...hook, secret: 'x' }] }, /not both/],
    ['a repository of nobody', { sinks: [{ ...hook, repository: 'a/b' }] }, /means nothing to webhook/],
    ['no repository', { sinks: [{ name: 'a', type: 'gitlab', token: 'x' }] }, /repository is missing/],
    [
      'a type of events that it cannot show',
      { sinks: [{ name: 'a', type: 'github', token: 'x', repository: 'a/b', types: ['lock'] }] },
      /types must be of sync/,
    ],
    ['an unknown severity', { sinks: [{ ...hook, severity: 'loud' }] }, /severity must be one of/],
    ['a namespace that is no list', { sinks: [{ ...hook, namespaces: 'a' }] }, /namespaces must be a list/],
    ['a word that no event has', { sinks: [{ ...hook, template: '{{ colour }}' }] }, /colour.* is not one of message/],
  ])('with %s is refused', (_what, file, problem) => {
    const { problems } = readSinks(file)
    expect(problems.join('\n')).toMatch(problem)
    expect(readSinks(file).sinks.length).toBeLessThan(2)
  })

  it('says all that is wrong, and no secret', () => {
    const { problems } = readSinks({ sinks: [{ ...hook, token: 7, secret: 'hunter2hunter2', severity: 'x' }] })
    expect(problems.length).toBeGreaterThan(2)
    expect(problems.join()).not.toContain('hunter2')
  })
})

describe('the service of --connect', () => {
  it.each([
    ['ws://fluxcloud', 'http://fluxcloud'],
    ['wss://cloud.example/api/flux', 'https://cloud.example/api/flux'],
    ['http://fluxcloud:3031', 'http://fluxcloud:3031'],
  ])('%s gets events at %s', (connect, value) => {
    const sink = upstreamSink(connect, '')
    expect(sink).toMatchObject({
      name: 'upstream',
      url: { value },
      filter: { types: ['sync', 'release', 'autorelease', 'commit'] },
    })
    expect(sink).not.toHaveProperty('token')
    expect(upstreamSink(connect, 't').token).toEqual({ value: 't' })
  })
})

it('what is told late ends an alert, is tried for a commit, and is no news to people', () => {
  const ofRule = (rule: string) => sinkTypes.filter((type) => ageRuleOf(type) === rule)
  expect(ofRule('sent')).toEqual(['alertmanager'])
  expect(ofRule('tried')).toEqual(['github', 'gitlab'])
  expect(ofRule('left-out')).toEqual(['webhook', 'slack', 'teams', 'discord', 'upstream'])
})
