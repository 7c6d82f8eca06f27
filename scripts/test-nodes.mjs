// `npm run test:nodes`: the tests of the library on the other Node versions that it supports, each fetched by npx. The
// shop and the benchmarks are left out: they run on the Node of the lock file alone.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, secondsSince } from './command.mjs';
import { countTests } from './vitest-report.mjs';

const versions = process.argv.length > 2 ? process.argv.slice(2) : ['22', '26'];
let passed = 0;
let failed = 0;

for (const version of versions) {
  const start = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'cistern-nodes-'));
  const reportPath = join(folder, 'report.json');
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=json'];
  const without = ['--exclude=examples/**', '--exclude=bench/**'];
  const { code, output } = await run(
    'npx',
    ['-y', '-p', `node@${version}`, 'node', ...vitest, ...without, `--outputFile.json=${reportPath}`],
    { limit: 600_000 },
  );
  const count = countTests(reportPath, code);
  rmSync(folder, { recursive: true, force: true });
  passed += count.passed;
  failed += count.failed;
  console.log(
    `${count.failed === 0 ? 'ok  ' : 'FAIL'}  Node ${version}: ${count.passed} passed, ${count.failed} failed, ` +
      `${count.skipped} skipped in ${secondsSince(start)}`,
  );
  if (count.failed > 0) console.log(output);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
