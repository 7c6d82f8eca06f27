import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { figuresBlock, withFigures } from './harness/figures-block.ts';
import { readResult, root } from './harness/result.ts';

/** Writes the figures of `bench/results/` into the README; `--check` only says whether they are there already. */
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const path = join(root, 'README.md');
const present = readFileSync(path, 'utf8');
const wanted = withFigures(present, figuresBlock(readResult));
if (!values.check) writeFileSync(path, wanted);
else if (present !== wanted) {
  console.error('README.md does not show the figures of bench/results: run `node bench/figures.ts`');
  process.exitCode = 1;
}
