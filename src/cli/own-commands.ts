/** Verbs that read their own flags and speak to no server of ours, with what they are for. */
export const ownSummaries = {
  run: 'run Capstan: watch, take jobs, serve the API',
  check: 'with the flags of run: whether what they need is there',
  install: 'write the manifests that install Capstan, for kubectl apply',
  migrate: 'move from fluxd or the Helm Operator to Capstan, and back',
  eject: 'take Capstan out of a cluster and leave every release as it is',
} as const
