import { afterEach, describe, expect, test, vi } from 'vitest';
import { Connection } from '../../src/net/connection.ts';
import type { Exchange } from '../../src/net/exchange.ts';
import { ServerJournal } from '../../src/routes/journal/server-journal.ts';
import type { SafetyOptions } from '../../src/stores/memcached/pool-safety.ts';
import { MemcachedFence } from '../../src/stores/memcached/server-fence.ts';
import { type Findings, tell } from './stale-story.ts';

type Told = Findings & { readonly seed: number };

async function tellAll(stories: number, options: SafetyOptions = {}): Promise<readonly Told[]> {
  const all = [];
  for (let seed = 1; seed <= stories; seed++) all.push({ seed, ...(await tell(seed, options)) });
  return all;
}

const sum = (all: readonly Told[], of: (each: Told) => number): number =>
  all.reduce((total, each) => total + of(each), 0);
const wrong = (all: readonly Told[]): readonly Told[] =>
  all.filter(({ stale, unrepaired }) => stale.length > 0 || unrepaired.length > 0);

test('nothing old is read beyond the bound, and nothing stays old, whatever fails', async () => {
  const all = await tellAll(60);
  expect(wrong(all)).toEqual([]);
  // A test in which nothing happens shows nothing.
  expect(sum(all, ({ hits }) => hits)).toBeGreaterThan(1000);
  expect(sum(all, ({ lost }) => lost)).toBeGreaterThan(500);
  expect(sum(all, ({ fenced }) => fenced)).toBeGreaterThan(10);
  expect(sum(all, ({ wiped }) => wiped)).toBeGreaterThan(5);
});

describe('each part is needed: without it the same stories find old values', () => {
  afterEach(() => vi.restoreAllMocks());

  /** Tells stories until one goes wrong. */
  async function firstWrong(options: SafetyOptions = {}): Promise<Findings | undefined> {
    for (let seed = 1; seed <= 300; seed++) {
      const findings = await tell(seed, options);
      if (wrong([{ seed, ...findings }]).length > 0) return findings;
    }
    return undefined;
  }

  test('the journal', async () => {
    expect(await firstWrong({ journal: false })).toBeDefined();
  });

  test('the fence', async () => {
    expect(await firstWrong({ fence: false })).toBeDefined();
  });

  test('closed keys', async () => {
    vi.spyOn(ServerJournal.prototype, 'closes').mockReturnValue(false);
    expect(await firstWrong()).toBeDefined();
  });

  test('the readings in front of requests', async () => {
    vi.spyOn(MemcachedFence.prototype, 'learn').mockImplementation(() => undefined);
    expect(await firstWrong()).toBeDefined();
  });

  test('the readings in front of invalidations', async () => {
    const send = Reflect.get(Connection.prototype, 'send') as (exchange: Exchange) => void;
    vi.spyOn(Connection.prototype, 'send').mockImplementation(function (
      this: Connection,
      exchange: Exchange,
    ) {
      exchange.refreshing = false;
      send.call(this, exchange);
    });
    expect(await firstWrong()).toBeDefined();
  });
});
