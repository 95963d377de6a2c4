/**
 * Commands of the guide that no test runs, each with the reason. `guide.test.ts` fails for one that no page has, and reads each as far as
 * that can be done here.
 */
export const notRun: readonly { line: string; why: string }[] = [
  { line: 'npm test', why: 'it is what runs this' },
  {
    line: 'docker build --tag registry.example.com/capstan . && docker push registry.example.com/capstan',
    why: 'there is no Docker engine; npm run image:test builds the same file, and runs what it makes',
  },
  {
    line: 'npm start -- --git-url https://github.com/you/cluster.git --git-branch main --git-path deploy',
    why: 'it asks a forge',
  },
  { line: 'npm start -- --kubeconfig ~/.kube/config --yes', why: 'it changes the cluster of whoever runs the tests' },
  {
    line: 'npx capstan run --kubeconfig ~/.kube/config --git-url git@github.com:you/cluster.git --git-ssh-key-file ~/.ssh/deploy --git-ssh-known-hosts-file ~/.ssh/known_hosts --git-branch main --git-path deploy --sync-garbage-collection',
    why: 'it asks a forge, and runs until it is stopped',
  },
  {
    line: 'capstan queue open --context prod',
    why: 'it forwards a port to a pod, which no node of the playground runs; test/api tries that with a server of its own',
  },
  ...['', ' -- --scale 1', ' -- --only A2,B1', ' -- --only A2 --seed 7 --trial 3', ' -- --write-docs'].map((flags) => ({
    line: `npm run chaos${flags}`,
    why: 'it takes most of an hour; test/chaos/subset.test.ts runs some of it',
  })),
]

/** Pages, or chapters of one (`page#chapter`), whose commands another test types, each with that test. */
export const runElsewhere: Readonly<Record<string, string>> = {
  'README.md#Install it in a cluster': 'test/packaging/readme-install.test.ts',
  'docs/chart.md': 'test/packaging/docs.test.ts',
  'docs/migrating.md': 'test/migrate/docs.test.ts',
  'playground/examples/fluxcloud/README.md': 'test/playground/examples.test.ts',
  'playground/examples/istio-flagger/README.md': 'test/playground/examples.test.ts',
  'playground/examples/multi-tenant/README.md': 'test/playground/examples.test.ts',
  'playground/examples/openfaas/README.md': 'test/playground/examples.test.ts',
  'playground/examples/staging-production/README.md': 'test/playground/examples.test.ts',
}
