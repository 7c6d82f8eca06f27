import { readFileSync } from 'node:fs';

/**
 * The counts of a vitest run, from its JSON report and its exit code. A file that could not be run, and a run that
 * failed although no test did (an unhandled rejection, a crash), count as one failure each. `failures` names what failed,
 * with its message.
 */
export function countTests(reportPath, exitCode) {
  /** @type {string[]} */
  const skippedNames = [];
  /** @type {string[]} */
  const failures = [];
  let report;
  try {
    report = JSON.parse(readFileSync(reportPath, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0, skippedNames, failures };
  }
  const count = { passed: 0, failed: 0, skipped: 0, skippedNames, failures };
  for (const file of report.testResults) {
    const failedBefore = count.failed;
    for (const test of file.assertionResults) {
      if (test.status === 'passed') count.passed++;
      else if (test.status === 'failed') {
        count.failed++;
        failures.push(`${file.name}: ${test.fullName}\n${test.failureMessages.join('\n')}`);
      } else {
        count.skipped++;
        count.skippedNames.push(test.fullName);
      }
    }
    if (file.status === 'failed' && count.failed === failedBefore) {
      count.failed++;
      failures.push(`${file.name}: ${file.message}`);
    }
  }
  if (exitCode !== 0 && count.failed === 0) count.failed++;
  if (count.passed + count.failed === 0) count.failed++;
  return count;
}
