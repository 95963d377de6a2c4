import type { fluxdFlags } from './flags/fluxd.ts'

/** What somebody who moves from fluxd must know about one of its flags. */
export type Difference = {
  /** It works, and means something else than it did. */
  differs?: true
  /** What to use in its place, where it has no effect. */
  by?: string
  /** One or two sentences; empty where there is nothing to say. */
  note: string
}

const asBefore: Difference = { note: '' }

/** Every flag of fluxd (flux-v1 §26): what became of it. The state of the flag itself says whether it works. */
export const fluxdDifferences: Readonly<Record<keyof typeof fluxdFlags, Difference>> = {
  'log-format': asBefore,
  listen: {
    note: 'The same port serves the API, the probes and the webhooks.',
  },
  'listen-metrics': { note: 'Metrics keep their names and labels.' },
  'kubernetes-kubectl': { note: 'Objects are applied by server-side apply from within the process.' },
  version: { note: "It prints Capstan's version." },
  'k8s-verbosity': { by: '--log-level', note: 'There is no klog in here.' },

  'git-url': {
    note: 'Without it there is no source, HelmReleases still run, and Source objects may add repositories.',
  },
  'git-branch': asBefore,
  'git-path': { note: 'Paths that overlap read a file once; fluxd took its objects for duplicates and stopped.' },
  'git-readonly': asBefore,
  'git-user': asBefore,
  'git-email': asBefore,
  'git-set-author': asBefore,
  'git-label': asBefore,
  'git-sync-tag': { note: 'A tag that fluxd left is the point to start from.' },
  'git-notes-ref': { note: 'A note that cannot be read is passed over; it stopped fluxd.' },
  'git-ci-skip': asBefore,
  'git-ci-skip-message': asBefore,
  'git-poll-interval': { note: 'With a webhook a push is seen at once.' },
  'git-timeout': { note: 'A fetch that fails does not throw the clone away.' },
  'git-secret': asBefore,
  sops: { note: 'The real sops decrypts, and never onto a disk.' },

  'git-gpg-key-import': asBefore,
  'git-signing-key': asBefore,
  'git-verify-signatures': asBefore,
  'git-verify-signatures-mode': asBefore,

  'sync-interval': {
    note: 'Compared from memory, so that it costs nothing when nothing changed; drift is seen by watches in between.',
  },
  'sync-timeout': {
    note: 'It bounds git and loading, and ends the programs that are run, with all that they started.',
  },
  'sync-garbage-collection': {
    note: 'What is deleted is looked up in a stored list of what was applied. Namespaces, volumes and definitions, and more than half of all objects at once, wait for somebody to agree.',
  },
  'sync-garbage-collection-dry': asBefore,
  'sync-state': { note: '`cluster` is new: the marker is kept in the cluster and nothing is pushed.' },
  'manifest-generation': {
    note: 'Commands run under bash, and one that fails in the middle of a pipeline counts as failed (--generator-strict).',
  },

  'memcached-hostname': { by: '--redis-url', note: 'What registries said is kept in Redis.' },
  'memcached-port': { by: '--redis-url', note: 'What registries said is kept in Redis.' },
  'memcached-timeout': { by: '--redis-url', note: 'What registries said is kept in Redis.' },
  'memcached-service': { by: '--redis-url', note: 'What registries said is kept in Redis.' },
  'registry-disable-scanning': asBefore,
  'automation-interval': asBefore,
  'registry-poll-interval': asBefore,
  'registry-rps': asBefore,
  'registry-burst': asBefore,
  'registry-trace': asBefore,
  'registry-insecure-host': asBefore,
  'registry-exclude-image': asBefore,
  'registry-include-image': asBefore,
  'registry-use-labels': asBefore,
  'registry-ecr-region': asBefore,
  'registry-ecr-include-id': asBefore,
  'registry-ecr-exclude-id': asBefore,
  'registry-require': asBefore,
  'docker-config': asBefore,
  'registry-cache-expiry': asBefore,

  'k8s-secret-name': asBefore,
  'k8s-secret-volume-mount-path': asBefore,
  'k8s-secret-data-key': asBefore,
  'k8s-allow-namespace': {
    note: 'Objects outside the list are named in one warning each and never deleted.',
  },
  'k8s-namespace-whitelist': asBefore,
  'k8s-default-namespace': {
    note: 'Duplicates are looked for after the namespace was filled in.',
  },
  'k8s-unsafe-exclude-resource': {
    differs: true,
    note: 'fluxd did not list these kinds and still applied those in git. Only kinds that are in git, or that carry a mark at the first sync, are looked at here, so the flag does what its name says: objects of these kinds are neither applied nor deleted, and each has a warning.',
  },
  'k8s-in-cluster': asBefore,
  'kube-config': asBefore,

  'ssh-keygen-bits': asBefore,
  'ssh-keygen-type': { note: 'Without it ed25519, or RSA for hosts that take nothing else.' },
  'ssh-keygen-format': asBefore,
  'ssh-keygen-dir': asBefore,

  connect: {
    differs: true,
    note: 'Events are posted as fluxd posted them, by a job that tries again; the sync does not wait for it.',
  },
  token: asBefore,
  'rpc-timeout': asBefore,
}
