import { defineConfig } from 'vitest/config'

/** Tests on the real outside. */
const real = {
  globalSetup: ['test/stack/setup.ts'],
  // what hangs must end some day; no test is judged by its time, for machines are shared and slow
  testTimeout: 900_000,
  hookTimeout: 900_000,
  maxWorkers: 2,
}

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'playground/**/*.test.ts', 'bin/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...real,
          name: 'real',
          include: ['test/**/*.test.ts'],
          env: { CAPSTAN_TEST_DEFINITION: 'ours' },
        },
      },
      {
        test: {
          ...real,
          // the release suite once more, on the definition of HelmReleases that helm-operator 1.4.4 had (ruling 1)
          name: 'operator',
          include: ['test/releases/*.test.ts'],
          exclude: [
            // a whole Capstan works on the one definition of the cluster, which is ours
            'test/releases/{cancel,cli,operator-scenarios,own-chart,uninstall-capstan,watch}.test.ts',
            // no HelmRelease is in them
            'test/releases/{chart-remote,chart-sources,operator-surface}.test.ts',
          ],
          env: { CAPSTAN_TEST_DEFINITION: 'operator' },
        },
      },
    ],
  },
})
