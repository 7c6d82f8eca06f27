import { expect, test } from 'vitest';
import { seededRandom } from '../../src/testing/seeded-random.ts';
import { runCistern } from './run-cistern.ts';

interface Point {
  entries: number;
  bytes?: number;
  hitRatio: number;
  doubled?: number;
}
interface Advice {
  trace: string;
  requests: number;
  distinct: number;
  reachable: number;
  exact: boolean;
  curve: Point[];
  knee: Point;
  wanted?: { hitRatio: number; entries: number | null };
  recommended: Point & { doubled: number; withDefaultPolicy: number };
  readOnce: { keys: number; shareOfKeys: number };
  dimensions: { parameter?: string; values: number; keysWithout: number; explodes: boolean }[];
  warnings: string[];
}

function adviceOn(lines: readonly string[], ...args: string[]): Advice {
  const { code, out, err } = runCistern(['size', '-', '--json', ...args], lines.join('\n'));
  expect(err).toBe('');
  expect(code).toBe(0);
  return JSON.parse(out) as Advice;
}

const random = seededRandom(3);
/** Nine of ten requests go to 100 keys, the others to 5,000. */
const requests = Array.from({ length: 50_000 }, () =>
  random() < 0.9 ? `hot${Math.floor(100 * random())},1000` : `cold${Math.floor(5000 * random())},1000`,
);

test('the working set, the knee, and the size for a hit ratio with its headroom', () => {
  const advice = adviceOn(requests, '--hit-ratio', '92%');
  expect(advice).toMatchObject({
    trace: 'stdin',
    requests: 50_000,
    distinct: new Set(requests).size,
    exact: true,
  });
  expect(advice.reachable).toBeCloseTo(1 - advice.distinct / 50_000, 5);
  // Room for the popular keys, and for the others that come in between.
  expect(advice.knee.entries).toBeGreaterThan(100);
  expect(advice.knee.entries).toBeLessThan(300);
  const { entries } = advice.wanted!;
  expect(advice.recommended.entries).toBe(Math.ceil(entries! * 1.3));
  expect(advice.recommended.bytes).toBe(advice.recommended.entries * 1000);
  expect(advice.recommended.hitRatio).toBeGreaterThan(0.92);
  expect(advice.recommended.withDefaultPolicy).toBeGreaterThan(0.9);
  expect(advice.recommended.doubled).toBeGreaterThan(advice.recommended.hitRatio);
  for (const [index, point] of advice.curve.entries()) {
    expect(point.doubled).toBeGreaterThanOrEqual(point.hitRatio);
    if (index > 0) expect(point.hitRatio).toBeGreaterThanOrEqual(advice.curve[index - 1]!.hitRatio);
  }
});

test('a hit ratio that no room gives is said to be out of reach', () => {
  const advice = adviceOn(requests, '--hit-ratio', '99.9%');
  expect(advice.wanted).toEqual({ hitRatio: 0.999, entries: null });
  expect(runCistern(['size', '-', '--hit-ratio', '99.9%'], requests.join('\n')).out).toContain(
    '99.9% is out of reach',
  );
});

test('for people: a table, and what follows from it', () => {
  const { out, code } = runCistern(['size', '-'], requests.join('\n'));
  expect(code).toBe(0);
  for (const word of [
    'working set',
    'knee',
    'recommended',
    '30% headroom',
    'twice the room',
    'w-tinylfu',
    'values',
  ])
    expect(out).toContain(word);
});

test('one-hit wonders and a parameter that makes every key new are warned of', () => {
  const lines = Array.from(
    { length: 5000 },
    (_, at) =>
      `10.0.0.1 - - [26/Nov/2026:09:00:00 +0000] "GET /item/${at % 50}?lang=en&utm_id=${at * 31} HTTP/1.1" 200 512 "-" "curl/8"`,
  );
  const advice = adviceOn(lines);
  expect(advice.readOnce.shareOfKeys).toBe(1);
  expect(advice.dimensions[0]).toMatchObject({ parameter: 'utm_id', explodes: true });
  expect(advice.warnings.join('\n')).toMatch(/one-hit wonders: 100\.0% of the keys/);
  expect(advice.warnings.join('\n')).toMatch(
    /'utm_id' of keys like \/item\/0\?lang=en&utm_id=‹0›.* instead of 5,000/,
  );
});

test('healthy keys are not warned of', () => {
  expect(adviceOn(requests).warnings).toEqual([]);
});

test("memcached's list of items: what is stored, and what of it is used", () => {
  const item = (key: number, age: number): string =>
    `key=user%3A${key} exp=-1 la=${1_795_655_802 - age} cas=8 fetch=yes cls=1 size=${100 + age}`;
  const lines = [item(1, 0), item(2, 30), item(3, 3000), item(4, 90_000), 'END'].join('\r\n');
  const census = JSON.parse(runCistern(['size', '-', '--json'], lines).out) as {
    items: number;
    bytes: number;
    used: { items: number }[];
  };
  expect(census).toMatchObject({ items: 4, bytes: 400 + 30 + 3000 + 90_000 });
  expect(census.used.map(({ items }) => items)).toEqual([2, 2, 3, 3, 3, 4]);
  expect(runCistern(['size', '-'], lines).out).toContain('4 items');
  const simulated = runCistern(['simulate', '-', '--json'], lines);
  expect(simulated).toMatchObject({ code: 0 });
  expect(simulated.err).toContain('no hit ratio can be told');
});
