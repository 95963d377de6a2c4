import { expect, it } from 'vitest'
import { planLines, rehearsalLines } from './print.ts'

const plan = {
  values: {},
  secrets: { 'capstan-env': { TOKEN: 'geheim' } },
  copies: [{ kind: 'Secret', from: { namespace: 'flux', name: 'key' }, name: 'capstan-key' }] as const,
  notes: [
    {
      about: 'fluxd flux/flux',
      notes: [
        { subject: '--a', became: 'same', text: 'value a' },
        { subject: '/root/.netrc', became: 'refused', text: 'it is not read', accept: 'netrc' },
        { subject: '/b', became: 'refused', text: 'no', accept: 'b' },
      ] as const,
    },
  ],
}

it('says first what is refused and with which word it goes on, and never a secret', () => {
  const lines = planLines(plan, new Set(['b']))
  expect(lines).toEqual([
    'fluxd flux/flux',
    '  REFUSED   /root/.netrc: it is not read (--accept netrc goes on without it)',
    '  left out  /b: no',
    '  same      --a: value a',
    '',
    'Made beside Capstan',
    '  Secret capstan-key, a copy of flux/key',
    '  Secret capstan-env, with TOKEN',
    '',
  ])
})

it('counts what was tried, and names what would change or fails', () => {
  expect(rehearsalLines({ objects: [1, 2, 3], changed: ['a:b/c'], refused: ['a:b/d: twice'] })).toEqual([
    'Of 3 objects that fluxd applied 1 stay as they are.',
    'Changed, since the cluster is not as git says:',
    '  a:b/c',
    'Refused by the API server, each alone:',
    '  a:b/d: twice',
  ])
})
