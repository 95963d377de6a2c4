import { describe, expect, it } from 'vitest'
import { unsafePath } from './git-secret.ts'

describe('the paths that git-secret would write', () => {
  it.each(['../x', 'a/../../x', '/etc/passwd', '~/x', '-x', '.git/config', 'a/.GIT/hooks/x', 'a\\b'])(
    '%s is unsafe',
    (path) => {
      expect(unsafePath(`ok.yaml:1234\n${path}:abcd\n`)).toBe(path)
    },
  )

  it('are safe inside the repository', () => {
    expect(unsafePath('secret.yaml:12\napps/a b/..x/.gitignore:34\n\nplain\n')).toBeUndefined()
  })
})
