import { describe, expect, it } from 'vitest'
import { parseFlags } from './flags.ts'

const at = { cwd: '/home/me', root: '/checkout' }
const defaults = { yes: false, keep: false, watch: false, help: false, stateDir: '/checkout/.capstan', capstan: [] }

describe('parseFlags', () => {
  it.each([
    ['nothing given: the sample, in the checkout', [], {}],
    [
      'another repository',
      ['--git-url', 'https://example.com/a.git', '--git-branch=dev', '--git-path', 'a', '--git-path=b'],
      { git: { url: 'https://example.com/a.git', branch: 'dev', paths: ['a', 'b'] } },
    ],
    ['its branch is main by default', ['--git-url=u'], { git: { url: 'u', branch: 'main', paths: [] } }],
    [
      'paths are meant from where the user stands',
      ['--kubeconfig', 'k', '--yes'],
      { kubeconfig: '/home/me/k', yes: true },
    ],
    ['an example', ['--example=openfaas'], { example: 'openfaas' }],
    ['a state folder', ['--state-dir=s', '--keep'], { stateDir: '/home/me/s', keep: true }],
    [
      'flags for capstan run',
      ['--keep', '--', '--log-level=debug', '--keep'],
      { keep: true, capstan: ['--log-level=debug', '--keep'] },
    ],
    ['--watch', ['--watch'], { watch: true }],
    ['-h', ['-h'], { help: true }],
  ])('%s', (_name, argv, wanted) => {
    expect(parseFlags(argv, at)).toEqual({ ...defaults, ...wanted })
  })

  it('knows the examples', () => {
    expect(parseFlags(['--example=none', '--git-url=u'], at)).toEqual({
      problems: [
        '--example and --git-url cannot be given together',
        expect.stringMatching(/^--example: there is no none, but .*openfaas/) as string,
      ],
    })
  })

  it('lists all problems at once', () => {
    expect(parseFlags(['--git-path=a', '--yes=1', '--nope', 'word', '--kubeconfig', '--keep'], at)).toEqual({
      problems: [
        '--yes takes no value',
        '--nope is not known; flags of capstan run go after --',
        '"word" is not understood; flags of capstan run go after --',
        '--kubeconfig wants a value',
        '--git-branch and --git-path need --git-url',
      ],
    })
  })
})
