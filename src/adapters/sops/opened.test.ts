import { describe, expect, it } from 'vitest'
import { openedValues } from './opened.ts'

const sealed = 'ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]'

describe('values that sops opened', () => {
  it.each([
    ['a plain value', `a: ${sealed}`, 'a: hunter2', ['hunter2']],
    ['one in single quotes', `a: ${sealed}`, "a: 'it''s: so'", ["it's: so"]],
    ['one in double quotes', `a: ${sealed}`, 'a: "tab\\t\\"end"', ['tab\t"end']],
    ['one with an escape of YAML alone', `a: ${sealed}`, 'a: "bell\\a"', ['bell\\a']],
    ['an item', `- ${sealed}\n- - ${sealed}`, '- first one\n- - second', ['first one', 'second']],
    ['an item that looks like a field', `- ${sealed}`, "- 'user: pw'", ['user: pw']],
    ['one behind a quoted key', `"yes: no": ${sealed}`, '"yes: no": hunter2', ['hunter2']],
    ['a number', `a: ${sealed}`, 'a: 1234567', ['1234567']],
    ['a comment', `#${sealed}`, '# told nobody', ['told nobody']],
    [
      'each line of a block, whatever is in it',
      `- a: ${sealed}\n  b: ${sealed}`,
      '- a: |-\n    user: root\n\n    -----KEY\n  b: after',
      ['user: root', '-----KEY', 'after'],
    ],
    ['what a Secret has in base64, decoded too', `a: ${sealed}`, 'a: aHVudGVyMgo=', ['aHVudGVyMgo=', 'hunter2']],
    ['nothing of binary data but its base64', `a: ${sealed}`, 'a: /////w==', ['/////w==']],
  ])('%s', (_fact, encrypted, decrypted, expected) => {
    expect(openedValues(encrypted, decrypted)).toEqual(expected)
  })

  it('leave out what was never sealed, however it is laid out', () => {
    const encrypted = `kind: "Secret"\nmetadata:\n  name: 'a'\nlist: [x]\ndata:\n  p: ${sealed}\n`
    const decrypted = 'kind: Secret\nmetadata:\n    name: a\nlist: [x]\ndata:\n    p: hunter2\n'
    expect(openedValues(encrypted, decrypted)).toEqual(['hunter2'])
  })
})
