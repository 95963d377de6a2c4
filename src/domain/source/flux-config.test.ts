import { describe, expect, it } from 'vitest'
import { parseFluxConfig } from './flux-config.ts'

const parse = (text: string) => parseFluxConfig('apps/.flux.yaml', text)

describe('a .flux.yaml', () => {
  it.each([
    [
      'with generators and updaters',
      'version: 1\ncommandUpdated:\n  generators:\n  - command: kustomize build . | envsubst\n    timeout: 1m30s\n  updaters:\n  - containerImage: {command: a}\n    policy: {command: b, timeout: 5s}\n',
      {
        kind: 'commandUpdated',
        generators: [{ command: 'kustomize build . | envsubst', timeoutMs: 90_000 }],
        updaters: [{ containerImage: { command: 'a' }, policy: { command: 'b', timeoutMs: 5_000 } }],
      },
    ],
    [
      'with a patch file',
      'version: 1\npatchUpdated:\n  generators: [{command: x}]\n  patchFile: flux-patch.yaml\n',
      { kind: 'patchUpdated', generators: [{ command: 'x' }], patchFile: 'flux-patch.yaml' },
    ],
    ['that cancels one above', '# plain\nversion: 1\nscanForFiles: {}\n', { kind: 'scanForFiles' }],
    [
      'without any generator',
      'version: 1\ncommandUpdated: {generators: []}',
      { kind: 'commandUpdated', generators: [], updaters: [] },
    ],
    [
      'with a timeout that fluxd passed over',
      'version: 1\ncommandUpdated: {generators: [{command: x, timeout: 20ms}]}',
      { kind: 'commandUpdated', generators: [{ command: 'x' }], updaters: [] },
    ],
    [
      'with an unknown key beside commandUpdated',
      'version: 1\nowner: us\ncommandUpdated: {generators: []}',
      { kind: 'commandUpdated', generators: [], updaters: [] },
    ],
    [
      'with scanForFiles beside commandUpdated',
      'version: 1\nscanForFiles: {}\ncommandUpdated: {generators: []}',
      { kind: 'scanForFiles' },
    ],
  ])('%s is read', (_, text, config) => {
    expect(parse(text)).toEqual({ config })
  })

  it.each([
    ['nothing in it', '# nothing\n', 1, /empty/],
    ['broken YAML', 'version: 1\ncommandUpdated: [', 2, /not valid YAML/],
    ['two documents', 'version: 1\nscanForFiles: {}\n---\nversion: 1\n', 3, /more than one document/],
    ['no mapping', '- 1\n', 1, /the file must be a mapping/],
    ['no version', 'scanForFiles: {}\n', 1, /version must be 1/],
    ['another version', 'x: 1\nversion: 2\n', 2, /version must be 1/],
    ['a version that is a text', 'version: "1"\nscanForFiles: {}\n', 1, /version must be 1/],
    ['no variant', 'version: 1\n', 1, /is missing/],
    [
      'two variants',
      'version: 1\ncommandUpdated: {generators: []}\npatchUpdated: {generators: [], patchFile: a}\n',
      3,
      /exclude each other/,
    ],
    ['scanForFiles with something in it', 'version: 1\nscanForFiles:\n  paths: []\n', 3, /'paths' is not known/],
    ['scanForFiles of null', 'version: 1\nscanForFiles:\n', 2, /scanForFiles must be a mapping/],
    ['a key beside scanForFiles', 'version: 1\nscanForFiles: {}\nowner: us\n', 3, /'owner' is not known/],
    ['no generators', 'version: 1\ncommandUpdated:\n  updaters: []\n', 2, /needs a list of generators/],
    ['generators that are no list', 'version: 1\ncommandUpdated:\n  generators: x\n', 3, /must be a list/],
    [
      'a patchFile under commandUpdated',
      'version: 1\ncommandUpdated:\n  generators: []\n  patchFile: x\n',
      4,
      /'patchFile'/,
    ],
    ['no patchFile', 'version: 1\npatchUpdated:\n  generators: []\n', 3, /patchFile must be a path/],
    [
      'a command that is no text',
      'version: 1\ncommandUpdated:\n  generators:\n  - command: [a]\n',
      4,
      /must be a text/,
    ],
    ['no command', 'version: 1\ncommandUpdated:\n  generators:\n  - timeout: 5s\n', 4, /must be a text/],
    [
      'a timeout that is a number',
      'version: 1\ncommandUpdated:\n  generators:\n  - command: a\n    timeout: 5\n',
      5,
      /30s/,
    ],
    [
      'an unknown key of a command',
      'version: 1\ncommandUpdated:\n  generators:\n  - command: a\n    shell: b\n',
      5,
      /'shell'/,
    ],
    [
      'an unknown updater',
      'version: 1\ncommandUpdated:\n  generators: []\n  updaters:\n  - images: {}\n',
      5,
      /'images'/,
    ],
  ])('with %s is refused at its line', (_, text, line, message) => {
    expect(parse(text)).toEqual({
      problem: { reason: 'InvalidYAML', file: 'apps/.flux.yaml', line, message: expect.stringMatching(message) },
    })
  })
})
