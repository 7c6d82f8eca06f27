import { describe, expect, test } from 'vitest';
import { withoutMemcached } from '../servers/real-memcached.ts';
import { figureTable } from './figures.ts';
import { jsonLine } from './run-file.ts';
import { scenarios } from './scenarios.ts';

/** What the last line of `--json` has, in this order. */
const fields = ['scenario', 'operations', 'errors', 'wrong', 'stale', 'p99Ms', 'dbRatio', 'details'];

/** The migration has a test of its own. */
const others = Object.entries(scenarios).filter(([name]) => name !== 'migration');

/** What a short run on a busy machine can say for certain; how much time and load were spared is for the full runs, `npm run chaos -- <name>`. */
const certain = /errors|wrong|stale|are old|unrepaired|journal/;

describe.skipIf(withoutMemcached)('chaos, in a few seconds each', () => {
  test.each(others)('%s', async (name, load) => {
    const scenario = await load();
    const said: string[] = [];
    const outcome = await scenario.run({ quick: true, seed: 1, say: (line) => said.push(line) });
    const sure = outcome.figures.filter((figure) => certain.test(figure.name));
    expect(sure.length).toBeGreaterThan(1);
    const missed = sure.filter(({ met }) => !met);
    expect(missed, `${said.join('\n')}\n${figureTable(outcome.figures)}`).toEqual([]);
    expect(outcome.operations).toBeGreaterThan(200);
    const told = JSON.parse(jsonLine(outcome)) as Record<string, unknown>;
    expect(Object.keys(told)).toEqual(fields);
    expect(told).toMatchObject({ scenario: name, errors: 0, wrong: 0, stale: 0 });
  });
});
