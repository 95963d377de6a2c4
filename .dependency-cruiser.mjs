// The walls of the house. One rule per wall; the comment is what a newcomer reads when it fires.
const typeOnly = ['type-only']
const tests = '[.]test[.]ts$' // unit tests sit beside the code and may use vitest and fast-check
const wall = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    wall(
      'no-cycles',
      'Two files that import each other are one file. Merge them or pull the shared part down.',
      {},
      { circular: true },
    ),
    wall(
      'no-orphans',
      'Nothing reaches this file. Wire it or delete it.',
      { orphan: true, pathNot: [tests, '^src/ui/assets/'] },
      {},
    ),
    wall('no-unresolved', 'This import leads nowhere.', {}, { couldNotResolve: true }),

    // floors
    wall(
      'domain-looks-at-nothing-else',
      'domain/ may import domain/ and lib/ only. Move the I/O to a job or an adapter.',
      { path: '^src/domain/' },
      { path: '^src/', pathNot: '^src/(domain|lib)/' },
    ),
    wall(
      'domain-is-pure',
      'domain/ may use yaml, typebox, semver and node:crypto. No clients, no files, no clock, no process.',
      { path: '^src/domain/', pathNot: tests },
      {
        dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-no-pkg', 'npm-unknown'],
        pathNot: '^(node_modules/(yaml|typebox|semver|re2js|picomatch|diff|rfc6902)/|(node:)?crypto$)',
      },
    ),
    wall(
      'adapters-know-domain-only',
      'adapters/ may import domain/ and lib/. An adapter that needs a job or config is doing somebody else’s work.',
      { path: '^src/adapters/' },
      { path: '^src/', pathNot: '^src/(adapters|domain|lib)/' },
    ),
    wall(
      'adapters-do-not-meet',
      'One adapter never imports another. A job is where two of them meet.',
      { path: '^src/adapters/([^/]+)/' },
      { path: '^src/adapters/', pathNot: '^src/adapters/$1/' },
    ),
    wall(
      'jobs-and-views-see-adapter-types-only',
      'Jobs and views receive adapters as arguments; import the type, not the value.',
      { path: '^src/(jobs|views)/' },
      { path: '^src/adapters/', dependencyTypesNot: typeOnly },
    ),
    wall(
      'jobs-stay-in-the-middle',
      'jobs/ may import domain/, lib/, jobs/ and adapter types.',
      { path: '^src/jobs/' },
      { path: '^src/', pathNot: '^src/(jobs|domain|lib|adapters)/' },
    ),
    wall(
      'views-stay-in-the-middle',
      'views/ may import domain/, lib/, views/ and adapter types.',
      { path: '^src/views/' },
      { path: '^src/', pathNot: '^src/(views|domain|lib|adapters)/' },
    ),
    wall(
      'api-reads-views-and-asks-for-jobs',
      'A route reads a view or enqueues a job. It never touches an adapter.',
      { path: '^src/api/' },
      { path: '^src/', pathNot: '^src/(api|views|domain|lib|jobs)/' },
    ),
    wall(
      'api-sees-job-types-only',
      'The API may name a job, never run one.',
      { path: '^src/api/' },
      { path: '^src/jobs/', dependencyTypesNot: typeOnly },
    ),
    wall(
      'contract-stands-alone',
      'The contract is shared with the CLI and the browser: typebox only.',
      { path: '^src/api/(contract|client)([.]ts$|/)' },
      { path: '^src/', pathNot: '^src/(api/(contract|client)([.]ts$|/)|lib/)' },
    ),
    wall(
      'faces-speak-the-contract',
      'cli/ and ui/ are clients of the API: contract, client, lib, themselves.',
      { path: '^src/(cli|ui)/' },
      { path: '^src/', pathNot: '^src/($1/|api/(contract|client)([.]ts$|/)|lib/)' },
    ),
    wall(
      'config-is-a-leaf',
      'config/ turns text into a Config value and imports lib/ only, and of domain/ what a source is.',
      { path: '^src/config/' },
      { path: '^src/', pathNot: '^src/(config|lib|domain/source)/' },
    ),
    wall(
      'lib-is-a-leaf',
      'lib/ knows nothing of this project.',
      { path: '^src/lib/' },
      { path: '^src/', pathNot: '^src/lib/' },
    ),
    wall('only-main-wires', 'Nothing imports main/.', { pathNot: '^(src/main|test)/' }, { path: '^src/main/' }),
    wall(
      'only-main-reads-config',
      'Settings are handed in as arguments.',
      { path: '^src/', pathNot: '^src/(main|config)/' },
      { path: '^src/config/' },
    ),

    // rooms
    wall(
      'adapters-by-the-front-door',
      'From outside, import adapters/<name>/index.ts only.',
      { path: '^src/(?!adapters/)' },
      { path: '^src/adapters/[^/]+/(?!index[.]ts$)' },
    ),
    wall(
      'manifest-and-status-are-ground',
      'domain/manifest, domain/status and domain/semver import no sibling room.',
      { path: '^src/domain/(manifest|status|semver)/' },
      { path: '^src/domain/[^/]+/', pathNot: '^src/domain/($1|manifest|status)/' },
    ),
    wall(
      'rooms-share-the-ground-only',
      'A domain room imports itself, manifest/, status/, semver/, work/ and error.ts. release/ may also use plan/.',
      { path: '^src/domain/(plan|health|image|source|access)/' },
      { path: '^src/domain/[^/]+/', pathNot: '^src/domain/($1|manifest|status|semver|work)/' },
    ),
    wall(
      'release-may-use-plan',
      'release/ sees manifest/, status/, semver/, health/ and plan/ only.',
      { path: '^src/domain/release/' },
      { path: '^src/domain/[^/]+/', pathNot: '^src/domain/(release|manifest|status|semver|health|work|plan)/' },
    ),

    wall(
      'migrate-reads-what-ancestors-left',
      'migrate/ sees manifest/, status/, source/ and release/ only.',
      { path: '^src/domain/migrate/' },
      { path: '^src/domain/[^/]+/', pathNot: '^src/domain/(migrate|manifest|status|source|release)/' },
    ),

    // one owner per outside thing
    ...Object.entries({
      execa: 'adapters/process/',
      undici: 'adapters/(cluster|registry|egress)/',
      '@kubernetes/client-node': 'adapters/cluster/',
      'simple-git': 'adapters/git/',
      tar: 'adapters/helm/',
      'lru-cache': 'adapters/',
      'age-encryption': 'adapters/secrets/',
      nodemailer: 'adapters/notify/',
      bullmq: 'adapters/queue/',
      '@bull-board': 'adapters/queue/',
      ioredis: 'adapters/(store|queue)/',
      pino: 'adapters/log/',
      '@prometheus-io/client': 'adapters/metrics/',
      jose: 'adapters/identity/',
      'openid-client': 'adapters/identity/',
      '@opentelemetry': 'adapters/trace/',
      'bullmq-otel': 'adapters/trace/',
      fastify: '(api|adapters/queue)/',
      '@fastify': 'api/',
      commander: '(cli/|main/cli[.]ts$)',
      picocolors: '(cli/|main/cli[.]ts$)',
      'cli-table3': 'cli/',
      re2js: 'domain/',
      picomatch: 'domain/',
      diff: 'domain/',
      rfc6902: 'domain/',
      semver: 'domain/',
      'p-limit': '(jobs|adapters|main)/',
      yaml: '(domain|main|adapters)/',
      typebox: '',
    }).map(([pkg, home]) =>
      wall(
        `only-one-home-for-${pkg.replace('/', '-')}`,
        `${pkg} is imported in ${home} only.`,
        { path: '^src/', pathNot: [`^src/${home}`, tests] },
        { path: `^node_modules/${pkg}/` },
      ),
    ),
    wall(
      'every-package-has-a-home',
      'A new npm package is a decision: give it a home in this file.',
      { path: '^src/(?!ui/)', pathNot: tests },
      {
        dependencyTypes: ['npm', 'npm-dev', 'npm-no-pkg', 'npm-unknown', 'npm-optional', 'npm-peer'],
        pathNot:
          '^node_modules/(execa|undici|@kubernetes/client-node|simple-git|tar|lru-cache|age-encryption|nodemailer|bullmq|@bull-board|ioredis|pino|@prometheus-io/client|jose|openid-client|@opentelemetry|bullmq-otel|fastify|@fastify|commander|picocolors|cli-table3|re2js|picomatch|diff|rfc6902|semver|p-limit|yaml|typebox)/',
      },
    ),
    wall(
      'middle-touches-nothing',
      'Jobs and views reach the outside through their arguments: typebox, node:path and node:crypto only.',
      { path: '^src/(jobs|views)/', pathNot: tests },
      {
        dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-no-pkg', 'npm-unknown'],
        pathNot: '^(node_modules/(typebox|p-limit)/|(node:)?(path|crypto)$)',
      },
    ),
    wall(
      'leaves-stay-light',
      'lib/, config/ and the contract use typebox at most: no Node modules, no other package.',
      { path: '^src/(lib/|config/|api/(contract|client)([.]ts$|/))', pathNot: tests },
      { dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-no-pkg', 'npm-unknown'], pathNot: '^node_modules/typebox/' },
    ),
    wall(
      'no-bare-spawn',
      'Processes start through execa in helm/run.ts and generate/run.ts, or inside simple-git. Nowhere else.',
      { path: '^src/' },
      { dependencyTypes: ['core'], path: '^(node:)?child_process$' },
    ),

    wall(
      'product-knows-no-playground',
      'src never imports playground/ or test/.',
      { path: '^src/', pathNot: tests },
      { path: '^(playground|test)/' },
    ),
    // tests
    wall(
      'no-test-in-src-graph',
      'Production code never imports a test or a fixture.',
      { path: '^src/', pathNot: tests },
      { path: '([.]test[.]ts$|^test/)' },
    ),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      extensions: ['.ts', '.js', '.mjs', '.cjs'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
}
