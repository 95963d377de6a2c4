import { describe, expect, it } from 'vitest'
import { judge, type VitestReport } from './report.ts'

function report(...files: [string, string, string[]][]): VitestReport {
  return {
    testResults: files.map(([name, status, statuses]) => ({
      name: `/house/${name}`,
      status,
      startTime: 1000,
      endTime: 2500,
      assertionResults: statuses.map((one) => ({ status: one })),
    })),
  }
}

const fine = report(['src/domain/plan/a.test.ts', 'passed', ['passed', 'passed']])
const oneSkipped = report(['test/e2e/a.test.ts', 'passed', ['passed', 'skipped']])
const common = { exitCode: 0, notRun: 0, strict: false, root: '/house' }

describe('judge', () => {
  it.each<[string, Partial<Parameters<typeof judge>[0]>, string, boolean]>([
    ['all passed', { report: fine }, '2 passed, 0 failed, 0 skipped', false],
    [
      'a test failed',
      { report: report(['src/a.test.ts', 'failed', ['passed', 'failed']]), exitCode: 1 },
      '1 passed, 1 failed, 0 skipped',
      true,
    ],
    [
      'a file could not be loaded',
      { report: report(['src/a.test.ts', 'failed', []], ['src/b.test.ts', 'passed', ['passed']]), exitCode: 1 },
      '1 passed, 1 failed, 0 skipped',
      true,
    ],
    [
      'the set-up of a file failed and its tests were skipped',
      { report: report(['test/e2e/a.test.ts', 'failed', ['skipped', 'skipped']]), exitCode: 1 },
      '0 passed, 1 failed, 2 skipped',
      true,
    ],
    ['nothing ran', { report: report() }, '0 passed, 0 failed, 0 skipped', true],
    ['vitest died', { report: undefined, exitCode: 1 }, '0 passed, 1 failed, 0 skipped', true],
    [
      'vitest is not content though no test failed',
      { report: fine, exitCode: 1 },
      '2 passed, 1 failed, 0 skipped',
      true,
    ],
    ['a test was skipped', { report: oneSkipped }, '1 passed, 0 failed, 1 skipped', false],
    ['a test was skipped in CI', { report: oneSkipped, strict: true }, '1 passed, 0 failed, 1 skipped', true],
    ['tools were missing', { report: fine, notRun: 300 }, '2 passed, 0 failed, 300 skipped', false],
    ['tools were missing in CI', { report: fine, notRun: 300, strict: true }, '2 passed, 0 failed, 300 skipped', true],
  ])('%s', (_name, input, counts, failed) => {
    expect(judge({ ...common, report: undefined, ...input })).toMatchObject({ counts, failed })
  })

  it('adds up the files of a suite, slowest suite first', () => {
    const { table } = judge({
      ...common,
      report: report(
        ['playground/tools/a.test.ts', 'passed', ['passed']],
        ['test/e2e/a.test.ts', 'passed', ['passed']],
        ['test/e2e/b.test.ts', 'passed', ['passed', 'todo']],
      ),
    })
    expect(table.split('\n')).toEqual([
      'suite       passed  failed  skipped   time',
      'test/e2e         2       0        1  3.0 s',
      'playground       1       0        0  1.5 s',
    ])
  })
})
