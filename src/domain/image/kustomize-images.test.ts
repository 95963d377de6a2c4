import { describe, expect, it } from 'vitest'
import { editFile } from './edit.ts'
import { openKustomization, overridesOf, withOverrides } from './kustomize-images.ts'
import { openManifests } from './open-manifests.ts'
import { readWorkload } from './workload.ts'

const kustomization = (entry: string) => `# overlay\nresources: [../base]\nimages:\n  - ${entry} # ours\n`

function container(image: string, ...entries: string[]) {
  const text = `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {template: {spec: {containers: [{name: a, image: '${image}'}]}}}\n`
  const object = openManifests(text)[0]?.object
  const workload = object && readWorkload(object, { file: 'base/x.yaml', index: 0, defaultNamespace: 'd' })
  if (!workload) throw new Error('no workload')
  const overrides = entries.flatMap((entry, index) => overridesOf(`o${index}/kustomization.yaml`, kustomization(entry)))
  return withOverrides(workload, overrides).containers[0]
}

describe('withOverrides', () => {
  it('takes the tag that kustomize sets for the current one, and its place for the one to change', () => {
    expect(container('quay.io/app:1', '{name: quay.io/app, newTag: "2"}')).toMatchObject({
      file: 'o0/kustomization.yaml',
      image: { domain: 'quay.io', path: 'app', tag: '2' },
      path: ['images', 0, 'newTag'],
      text: '2',
      isTagAlone: true,
    })
  })
  it('follows a new name', () => {
    const image = container('app:1', '{name: app, newName: ghcr.io/me/app, newTag: "2"}')?.image
    expect(image).toEqual({ domain: 'ghcr.io', path: 'me/app', tag: '2' })
  })
  it.each([
    ['another image', '{name: other, newTag: "2"}'],
    ['a new name alone', '{name: app, newName: b}'],
    ['what is no entry', '[]'],
  ])('leaves the manifest to say for %s', (_, entry) => {
    expect(container('app:1', entry)).toMatchObject({ text: 'app:1' })
    expect(container('app:1', entry)).not.toHaveProperty('file')
  })
  it.each([
    ['a digest', ['{name: app, digest: "sha256:x"}'], /sets its digest/],
    ['a number', ['{name: app, newTag: 1.10}'], /put it in quotes/],
    ['two overlays', ['{name: app, newTag: "1"}', '{name: app, newTag: "2"}'], /o0\/.* and o1\//],
  ])('has no place to write for %s', (_, entries, why) => {
    expect(container('app:1', ...entries)?.problem).toMatch(why)
  })
})

describe('editing a kustomization', () => {
  it('changes the tag and no other byte', () => {
    const edit = { index: 0, path: ['images', 0, 'newTag'], from: '1', to: '2.0' }
    const edited = editFile(kustomization("{name: app, newTag: '1'}"), [edit], openKustomization)
    expect(edited).toMatchObject({ text: kustomization("{name: app, newTag: '2.0'}"), refused: [] })
  })
})
