import type { Difference } from './fluxd-differences.ts'
import type { FlagName } from './flags.ts'
import type { operatorFlags } from './flags/operator.ts'

const asBefore: Difference = { note: '' }
const noTiller: Difference = { note: 'There is no Tiller to speak to.' }

/** Flags that the Operator had in common with fluxd; Capstan has each once. */
const shared = {
  version: { note: "It prints Capstan's version." },
  'log-format': asBefore,
  listen: { note: 'The same port serves the API, the probes and the webhooks.' },
  'git-timeout': { note: 'One flag for the repository of the flags and for charts from git.' },
  'git-poll-interval': {
    note: 'One flag for the repository of the flags and for charts from git. `POST /api/v1/sync-git` does not wait for it.',
  },
} as const satisfies Partial<Record<FlagName, Difference>>

/** Every flag of the Helm Operator (helm-operator §8.1): what became of it. The state of the flag itself says whether it works. */
export const operatorDifferences: Readonly<
  Record<keyof typeof operatorFlags, Difference> & Partial<Record<FlagName, Difference>>
> = {
  ...shared,
  workers: {
    differs: true,
    note: '64 releases are worked on at once, or more where this says so; how many helms run at once follows the processors of the machine. Waiting holds no place.',
  },
  kubeconfig: asBefore,
  master: { by: '--kubeconfig', note: 'Name the server in a kubeconfig.' },
  'allow-namespace': asBefore,
  'charts-sync-interval': {
    note: 'An idle pass compares versions and digests with a few lists for all releases ([why](decisions/0008-releases-at-rest.md)): it starts no helm and writes nothing. What changed is seen by watches in between.',
  },
  'status-update-interval': asBefore,
  'log-release-diffs': {
    differs: true,
    note: 'One line an object, of what helm stored, with secrets masked. `capstan helm plan NAME` shows it beforehand.',
  },
  'update-chart-deps': asBefore,
  'git-default-ref': asBefore,
  'enabled-helm-versions': {
    differs: true,
    note: '`v2` is taken with a warning and does nothing, also alone, so that the default is always v3. A HelmRelease that asks for v2 is held with the reason HelmV2Release.',
  },
  'helm-repository-import': asBefore,
  'tiller-ip': noTiller,
  'tiller-port': noTiller,
  'tiller-namespace': noTiller,
  'tiller-tls-verify': noTiller,
  'tiller-tls-enable': noTiller,
  'tiller-tls-key-path': noTiller,
  'tiller-tls-cert-path': noTiller,
  'tiller-tls-ca-cert-path': noTiller,
  'tiller-tls-hostname': noTiller,
  'convert-tiller-out-cluster': { note: 'Convert releases with the helm-2to3 plugin before the move.' },
  'convert-release-storage': { note: 'Convert releases with the helm-2to3 plugin before the move.' },
}
