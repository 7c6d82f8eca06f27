// `npm test`: installs what is missing, checks and tests everything, and ends with `N passed, N failed`, where N counts
// the tests and every other step as one. All steps run, whatever failed before. `npm run check`: the same without tests.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { root, run, secondsSince } from './command.mjs';
import { installProblem, nodeProblem } from './install-state.mjs';
import { provideMemcached } from './memcached.mjs';
import { countTests } from './vitest-report.mjs';

const withTests = !process.argv.includes('--no-tests');
const inCi = Boolean(process.env.CI) && process.env.CI !== 'false';
const total = { passed: 0, failed: 0, skipped: 0 };
const began = performance.now();

/** Checks that look at the sources, and then the package, in the order of how fast they answer. */
const sourceChecks = [
  ['format', 'oxfmt', ['--check']],
  ['lint', 'oxlint', ['--type-aware', '--type-check']],
  ['types', 'tsc', ['-p', 'tsconfig.json', '--noEmit']],
  ['dead code', 'knip', []],
  ['build', 'tsc', ['-p', 'tsconfig.build.json']],
];
const packageChecks = [
  ['publint', 'publint', ['--strict']],
  ['package types', 'attw', ['--pack', '.', '--profile', 'esm-only']],
];

if (await install()) {
  if (withTests) await provideServer();
  for (const each of sourceChecks) await check(...each);
  if (withTests) await test();
  for (const each of packageChecks) await check(...each);
}
console.log(`in ${secondsSince(began)}`);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 ? 1 : 0;

/** Whether the tools are there. A package that does not build is found again, and counted, by the step for it. */
async function install() {
  const start = performance.now();
  const { code, output } = await run(process.execPath, [join(root, 'scripts', 'prepare.mjs')], {
    limit: 900_000,
    live: true,
  });
  if (code === 0 || (installProblem(root) ?? nodeProblem(root)) === undefined) return true;
  report(false, 'install', start, '', output);
  total.failed++;
  return false;
}

async function provideServer() {
  const start = performance.now();
  const { present, note = '', output = '' } = await provideMemcached();
  if (present) {
    if (note !== '') report(true, 'memcached', start, note);
  } else if (inCi) {
    report(false, 'memcached', start, note, output);
    total.failed++;
  } else {
    console.log(`skip  ${note} The tests that need it are skipped.`);
  }
}

async function check(name, command, parameters) {
  const start = performance.now();
  const { code, output } = await run(command, parameters);
  report(code === 0, name, start, '', output);
  if (code === 0) total.passed++;
  else total.failed++;
}

async function test() {
  const start = performance.now();
  console.log('      tests, against real servers ...');
  const folder = mkdtempSync(join(tmpdir(), 'cistern-test-'));
  const reportPath = join(folder, 'report.json');
  const parameters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportPath}`];
  const { code, output } = await run('vitest', ['run', ...parameters], {
    limit: 1_200_000,
  });
  const count = countTests(reportPath, code);
  rmSync(folder, { recursive: true, force: true });
  const skips = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
  report(
    count.failed === 0,
    'tests',
    start,
    `${count.passed} passed, ${count.failed} failed${skips}`,
    // What passed is of no interest then.
    output.replace(/^ *✓.*\n/gmu, ''),
  );
  // Last, where whoever sees only the end of a long log finds them.
  for (const failure of count.failures)
    console.log(`failed: ${stripVTControlCharacters(failure).split('\n').slice(0, 30).join('\n        ')}`);
  for (const name of count.skippedNames) console.log(`        skipped: ${name}`);
  total.passed += count.passed;
  total.failed += count.failed;
  total.skipped += count.skipped;
}

/** One line for a step; everything that it wrote only if it failed. */
function report(ok, name, start, note = '', output = '') {
  console.log(
    `${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(14)} ${secondsSince(start).padStart(8)}${note && `  ${note}`}`,
  );
  // Some tools write colours whatever they are told.
  if (!ok && output !== '') console.log(stripVTControlCharacters(output).replace(/^(?=.)/gm, '      | '));
}
