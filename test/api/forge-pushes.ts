import { createHmac } from 'node:crypto'

/** Payloads from the forges' documentation, shortened to what anybody could look at. */
export const payloads = {
  github: {
    ref: 'refs/heads/main',
    before: '6113728f27ae82c7b1a177c8d03f9e96e0adf246',
    after: '0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c',
    created: false,
    deleted: false,
    forced: false,
    base_ref: null,
    commits: [],
    repository: {
      id: 186853002,
      name: 'Hello-World',
      full_name: 'Codertocat/Hello-World',
      html_url: 'https://github.com/Codertocat/Hello-World',
      url: 'https://github.com/Codertocat/Hello-World',
      git_url: 'git://github.com/Codertocat/Hello-World.git',
      ssh_url: 'git@github.com:Codertocat/Hello-World.git',
      clone_url: 'https://github.com/Codertocat/Hello-World.git',
      default_branch: 'master',
    },
    pusher: { name: 'Codertocat', email: '21031067+Codertocat@users.noreply.github.com' },
  },
  githubPing: {
    zen: 'Design for failure.',
    hook_id: 30,
    hook: { type: 'Repository', events: ['push'] },
    repository: { full_name: 'Codertocat/Hello-World', clone_url: 'https://github.com/Codertocat/Hello-World.git' },
  },
  gitlab: {
    object_kind: 'push',
    event_name: 'push',
    before: '95790bf891e76fee5e1747ab589903a6a1f80f22',
    after: 'da1560886d4f094c3e6c9ef40349f7d38b5d27d7',
    ref: 'refs/heads/main',
    checkout_sha: 'da1560886d4f094c3e6c9ef40349f7d38b5d27d7',
    user_username: 'jsmith',
    project_id: 15,
    project: {
      id: 15,
      name: 'Diaspora',
      web_url: 'http://example.com/mike/diaspora',
      git_ssh_url: 'git@example.com:mike/diaspora.git',
      git_http_url: 'http://example.com/mike/diaspora.git',
      path_with_namespace: 'mike/diaspora',
      default_branch: 'master',
    },
    repository: {
      name: 'Diaspora',
      url: 'git@example.com:mike/diaspora.git',
      homepage: 'http://example.com/mike/diaspora',
    },
    total_commits_count: 4,
  },
  gitlabTag: {
    object_kind: 'tag_push',
    event_name: 'tag_push',
    before: '0000000000000000000000000000000000000000',
    after: '82b3d5ae55f7080f1e6022629cdb57bfae7cccc7',
    ref: 'refs/tags/v1.0.0',
    project: { git_ssh_url: 'git@example.com:mike/diaspora.git', git_http_url: 'http://example.com/mike/diaspora.git' },
  },
  gitlabSystem: {
    event_name: 'repository_update',
    project_id: 1,
    project: { git_ssh_url: 'git@example.com:mike/diaspora.git', git_http_url: 'http://example.com/mike/diaspora.git' },
    changes: [{ before: '8205ea8d81ce0c6b90fbe8280d118cc9fdad6130', ref: 'refs/heads/main' }],
    refs: ['refs/heads/main'],
  },
  gitlabSystemOther: { event_name: 'user_create', name: 'John Smith', user_id: 41 },
  gitea: {
    ref: 'refs/heads/main',
    before: '28e1879d029cb852e4844d9c718537df08844e03',
    after: 'bffeb74224043ba2feb48d137756c8a9331c449a',
    compare_url: 'http://localhost:3000/gitea/webhooks/compare/28e1879d029c...bffeb7422404',
    repository: {
      id: 140,
      name: 'webhooks',
      full_name: 'gitea/webhooks',
      html_url: 'http://localhost:3000/gitea/webhooks',
      ssh_url: 'ssh://gitea@localhost:2222/gitea/webhooks.git',
      clone_url: 'http://localhost:3000/gitea/webhooks.git',
      default_branch: 'master',
    },
  },
  giteaTag: {
    sha: 'bffeb74224043ba2feb48d137756c8a9331c449a',
    ref: 'v1.2.0',
    ref_type: 'tag',
    repository: { full_name: 'gitea/webhooks', clone_url: 'http://localhost:3000/gitea/webhooks.git' },
  },
  bitbucket: {
    actor: { display_name: 'Emma', type: 'user' },
    repository: {
      type: 'repository',
      full_name: 'team_name/repo_name',
      name: 'repo_name',
      links: {
        self: { href: 'https://api.bitbucket.org/2.0/repositories/team_name/repo_name' },
        html: { href: 'https://bitbucket.org/team_name/repo_name' },
      },
    },
    push: {
      changes: [
        {
          new: {
            type: 'branch',
            name: 'main',
            target: { type: 'commit', hash: '709d658dc5b6d6afcd46049c2f332ee3f515a67d' },
          },
          old: {
            type: 'branch',
            name: 'main',
            target: { type: 'commit', hash: '1e65c05c1d5171631d92438a13901ca7dae9618c' },
          },
          created: false,
          forced: false,
          closed: false,
          truncated: false,
        },
        { new: { type: 'tag', name: 'v2' }, old: null, created: true },
      ],
    },
  },
  bitbucketServer: {
    eventKey: 'repo:refs_changed',
    date: '2017-09-19T09:45:32+1000',
    repository: {
      slug: 'repository',
      id: 84,
      name: 'repository',
      scmId: 'git',
      project: { key: 'PROJECT_1', id: 84, name: 'Project 1', type: 'NORMAL' },
    },
    changes: [
      {
        ref: { id: 'refs/heads/main', displayId: 'main', type: 'BRANCH' },
        refId: 'refs/heads/main',
        fromHash: 'ecddabb624f6f5ba43816f5926e580a5f680a932',
        toHash: '178864a7d521b6f5e720b386b2c2b0ef8563e0dc',
        type: 'UPDATE',
      },
    ],
  },
} as const

function hex(body: string | Uint8Array, secret: string): string {
  return createHmac('sha256', secret).update(body).digest('hex')
}

/** What each forge puts beside a push to prove itself; `body` is whatever is sent. */
export const proofs = {
  capstan: (body: string, secret: string) => ({ 'x-capstan-signature-256': `sha256=${hex(body, secret)}` }),
  github: (body: string, secret: string) => ({
    'x-github-event': 'push',
    'x-hub-signature': 'sha1=7d38cdd689735b008b3c702edd92eea23791c5f6',
    'x-hub-signature-256': `sha256=${hex(body, secret)}`,
  }),
  gitlab: (_body: string, secret: string) => ({ 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': secret }),
  gitlabSigned: (body: string, secret: string, seconds: number) => ({
    'x-gitlab-event': 'Push Hook',
    'webhook-id': 'b4f2d1c0',
    'webhook-timestamp': `${seconds}`,
    'webhook-signature': `v1,${createHmac('sha256', secret).update(`b4f2d1c0.${seconds}.${body}`).digest('base64')}`,
  }),
  gitea: (body: string, secret: string) => ({
    'x-gitea-event': 'push',
    'x-github-event': 'push',
    'x-gitea-signature': hex(body, secret),
  }),
  forgejo: (body: string, secret: string) => ({
    'x-forgejo-event': 'push',
    'x-gitea-event': 'push',
    'x-forgejo-signature': hex(body, secret),
  }),
  bitbucket: (body: string, secret: string) => ({
    'x-event-key': 'repo:push',
    'x-hub-signature': `sha256=${hex(body, secret)}`,
  }),
  bitbucketServer: (body: string, secret: string) => ({
    'x-event-key': 'repo:refs_changed',
    'x-hub-signature': `sha256=${hex(body, secret)}`,
  }),
} as const
