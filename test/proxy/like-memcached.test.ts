import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realRuntime } from '../../src/core/runtime.ts';
import type { Store } from '../../src/core/store.ts';
import { type Proxy, serveProxy } from '../../src/proxy/proxy.ts';
import { memcached } from '../../src/stores/memcached/memcached.ts';
import { memory } from '../../src/stores/memory/memory.ts';
import { type MemcachedServer, startMemcached } from '../../src/testing/memcached-server.ts';
import { withoutMemcached } from '../servers/real-memcached.ts';
import { Talk } from './talk.ts';

/**
 * Random scripts of both protocols, played to a real memcached and to proxies: one with a store of its own, one with a second real
 * memcached behind it. All must answer alike, but for what docs/proxy.md lists.
 */

/** One request: `%K` is its key, `%C` a CAS that was told of it, the newest or the one so many before. */
interface Step {
  readonly text: string;
  readonly key: number;
  readonly age: number;
}

const time = fc.constantFrom(0, 100_000, 2_592_000, -1);
const flags = fc.constantFrom(0, 5, 511, 512, 4_294_967_295);
// No number here gets shorter by counting: the server fills it with spaces, a store in memory does not (listed).
const value = fc.constantFrom('5', '12', 'text', 'a\r\nb', 'mn', 'x'.repeat(40_000));
/** Empty values only where nobody has rights: one that is marked or being reloaded looks like a lease's placeholder (listed). */
const valueOrEmpty = fc.oneof({ weight: 6, arbitrary: value }, { weight: 1, arbitrary: fc.constant('') });
const storeOf = (values: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom('set', 'set', 'add', 'replace', 'append', 'prepend', 'cas'),
      flags,
      time,
      values,
      fc.boolean(),
    )
    .map(
      ([command, flag, exptime, bytes, quiet]) =>
        `${command} %K ${flag} ${exptime} ${bytes.length}${command === 'cas' ? ' %C' : ''}${quiet ? ' noreply' : ''}\r\n${bytes}`,
    );
const classicOf = (store: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        'get %K',
        'gets %K',
        'gets %K nosuch %K',
        'gat 100000 %K',
        'gats 0 %K',
        'gat -1 %K',
      ),
    },
    { weight: 5, arbitrary: store },
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        'incr %K 1',
        'incr %K 1000000000000000000',
        'decr %K 0',
        'incr %K 95 noreply',
        'touch %K 100000',
        'touch %K -1',
        'touch %K 0 noreply',
        'delete %K',
        'delete %K 0',
        'delete %K noreply',
      ),
    },
  );

const answerFlags = fc
  .subarray(['v', 'f', 'c', 't', 's', 'k', 'O7x'], { minLength: 0 })
  .chain((letters) => fc.shuffledSubarray(letters, { minLength: letters.length }))
  .map((letters) => letters.map((letter) => ` ${letter}`).join(''));
const metaGet = fc
  .tuple(
    answerFlags,
    fc.constantFrom(
      '',
      '',
      ' N100000',
      ' T200000',
      ' R300000',
      ' R50000 T400000 N60',
      ' T100000 R300000',
      ' q',
    ),
  )
  .map(([letters, rest]) => `mg %K${letters}${rest}`)
  // Refused: listed.
  .filter((text) => !/ t.* T.* R/.test(text));
const metaStore = fc
  .tuple(
    value,
    fc.constantFrom('', '', ' ME', ' MR', ' MA', ' MP', ' MS'),
    fc.constantFrom('', ' C%C', ' C0'),
    fc.constantFrom('', ' T100000', ' T-1', ' T0'),
    fc.constantFrom('', ' F7', ' F4294967295'),
    fc.constantFrom('', ' c', ' k O1 c', ' q'),
  )
  // memcached takes C0 for no condition when it joins: listed.
  .filter(([, mode, compare]) => compare !== ' C0' || !/[AP]$/.test(mode))
  .map(([bytes, ...rest]) => `ms %K ${bytes.length}${rest.join('')}\r\n${bytes}`);
const meta = fc.oneof(
  { weight: 6, arbitrary: metaGet },
  { weight: 5, arbitrary: metaStore },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'md %K',
      'md %K q',
      'md %K C%C k O3',
      'md %K I T100000',
      'md %K I',
      'md %K I C%C',
      'md %K T5',
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'ma %K',
      'ma %K v t c',
      'ma %K MD D0 v',
      'ma %K N100000 J10 v t k O1',
      'ma %K D1000000000000000000 v',
      'ma %K q',
      'ma %K T90000 t v',
    ),
  },
);
const bad = fc.constantFrom(
  'foo',
  'get',
  'mg %K Z',
  'mg %K v v',
  'mg %K Tx',
  'ms %K 2 MX\r\nhi',
  'ms %K 2 Tx\r\nhi',
  'md %K O12345678901234567890123456789012',
  'incr %K x',
  'touch %K x',
  'delete %K 7',
  `mg ${'k'.repeat(251)} v`,
  `get ${'k'.repeat(251)}`,
  'mg abc b v',
  'verbosity 1',
  `ms %K 1048577\r\n${'z'.repeat(1_048_577)}`,
);

function scriptOf(line: fc.Arbitrary<string>): fc.Arbitrary<readonly (readonly Step[])[]> {
  const step = fc.record({ text: line, key: fc.nat(2), age: fc.nat(2) });
  return fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 25 });
}

/** One of the players of a script. */
class Player {
  readonly talk: Talk;
  /** Per key, every CAS that was told, in order. */
  readonly cas: string[][] = [[], [], []];

  constructor(address: string) {
    this.talk = new Talk(realRuntime, address);
  }

  /** Asks for all steps at once; the answers, apart. */
  async play(steps: readonly Step[], prefix: string): Promise<readonly string[]> {
    const text = steps
      .map(({ text: each, key, age }) => `${this.#filled(each, `${prefix}${key}`, key, age)}\r\nmn\r\n`)
      .join('');
    const answers = await this.talk.ask(
      Buffer.from(text, 'latin1'),
      new RegExp(`(?:MN\r\n[^]*){${steps.length}}$`),
    );
    return answers.split('MN\r\n').slice(0, -1);
  }

  #filled(text: string, name: string, key: number, age: number): string {
    return text.replaceAll('%K', name).replaceAll('%C', this.cas[key]!.at(-1 - age) ?? '1');
  }

  /** The answer with CAS values by their place in what was told, and times to be compared apart. */
  told(answer: string, key: number): { readonly said: string; readonly times: readonly number[] } {
    const known = this.cas[key]!;
    const times: number[] = [];
    const place = (cas: string): string => {
      if (cas === '0') return '0';
      if (!known.includes(cas)) known.push(cas);
      return `#${known.indexOf(cas)}`;
    };
    const said = answer
      .replaceAll(
        /^(VALUE \S+ \d+ \d+) (\d+)\r$/gm,
        (_all, begin: string, cas: string) => `${begin} ${place(cas)}\r`,
      )
      .replaceAll(/^((?:HD|VA)\b.*)\r$/gm, (line: string) =>
        line
          .replace(/ c(\d+)/, (_all, cas: string) => ` c${place(cas)}`)
          .replace(/ t(\d+)/, (_all, seconds: string) => {
            times.push(Number(seconds));
            return ' t';
          }),
      );
    return { said, times };
  }
}

/** What the answers of the real server told about a key. */
interface Known {
  /** A lease's, not filled. */
  placeholder: boolean;
  marked: boolean;
  claimed: boolean;
}

/**
 * The differences that are listed: what is done to a placeholder by those who know no leases, what a count does to marks and rights,
 * and marks that those who know of none come upon.
 */
function differs({ text, key }: Step, known: readonly Known[], batch: readonly Step[]): boolean {
  const { placeholder, marked, claimed } = known[key]!;
  const others = batch.filter((each) => each.key === key).map((each) => each.text);
  const leases = placeholder || others.some((each) => /^mg .* N/.test(each));
  const marks = marked || others.some((each) => /^md .* I/.test(each));
  const rights = claimed || marks || others.some((each) => /^mg .* R/.test(each));
  if (leases)
    return !/^ms %K \d+(?! M[EAPR])|^set |^md %K(?! .*I)|^mg %K[^]* N/.test(text) || / T| t/.test(text);
  if (/^ma|^incr|^decr/.test(text)) return rights;
  return marks && /^get|^gat|^touch|^append|^prepend/.test(text);
}

function learn(known: Known, { text }: Step, answer: string): void {
  if (text.startsWith('mg')) {
    if (answer.startsWith('EN') || answer === '')
      Object.assign(known, { placeholder: false, marked: false, claimed: false });
    else {
      known.marked = / X/.test(answer);
      known.claimed = / [WZ]/.test(answer);
      if (/ N/.test(text) && / W\r/.test(answer) && !known.marked && !/ R/.test(text))
        known.placeholder = true;
    }
  } else if (/^md .* I/.test(text) && answer.startsWith('HD'))
    Object.assign(known, { marked: true, claimed: false });
  // Of what wants no answer nobody knows whether it was done: what is known stays.
  else if (/^(?:STORED|HD|DELETED)/.test(answer) && !/^ma|^incr|^decr/.test(text))
    Object.assign(known, { placeholder: false, marked: false, claimed: false });
}

let runs = 0;

async function play(
  steps: readonly (readonly Step[])[],
  addresses: readonly string[],
  seen: Map<string, number>,
): Promise<void> {
  const players = addresses.map((address) => new Player(address));
  try {
    await playTogether(steps, players, seen);
  } finally {
    for (const player of players) player.talk.destroy();
  }
}

async function playTogether(
  steps: readonly (readonly Step[])[],
  players: readonly Player[],
  seen: Map<string, number>,
): Promise<void> {
  const prefix = `script:${++runs}:`;
  const known = Array.from({ length: 3 }, (): Known => ({
    placeholder: false,
    marked: false,
    claimed: false,
  }));
  for (const batch of steps) {
    const kept = batch.filter((step) => !differs(step, known, batch));
    const answers = await Promise.all(players.map((player) => player.play(kept, prefix)));
    for (const [index, step] of kept.entries()) {
      const [real, ...others] = players.map((player, side) => player.told(answers[side]![index]!, step.key));
      for (const other of others) {
        expect(other.said, step.text.slice(0, 100)).toBe(real!.said);
        for (const [place, seconds] of real!.times.entries())
          expect(Math.abs(other.times[place]! - seconds), step.text).toBeLessThanOrEqual(2);
      }
      learn(known[step.key]!, step, answers[0]![index]!);
      const kind = `${step.text.split(' ')[0]} ${/^\S*/.exec(real!.said)![0]}`;
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
    }
  }
}

describe.skipIf(withoutMemcached)('a proxy answers as a real memcached does', () => {
  let real: MemcachedServer;
  let behind: MemcachedServer;
  const proxies: Proxy[] = [];
  const stores: Store[] = [];
  let addresses: readonly string[];

  beforeAll(async () => {
    [real, behind] = await Promise.all([startMemcached(), startMemcached()]);
    stores.push(
      memory({ raw: true }),
      memcached({ servers: [behind.address], raw: true, timeout: '10s', fence: false, journal: false }),
    );
    for (const store of stores)
      proxies.push(await serveProxy(store, { listen: '127.0.0.1:0', timeout: '10s' }));
    addresses = [real.address, ...proxies.map((proxy) => proxy.addresses[0]!)];
  });
  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await Promise.all(stores.map((store) => store.close()));
    await Promise.all([real.stop(), behind.stop()]);
  });

  test.each([
    [
      'classic',
      fc.oneof({ weight: 12, arbitrary: classicOf(storeOf(valueOrEmpty)) }, { weight: 1, arbitrary: bad }),
    ],
    ['meta', fc.oneof({ weight: 12, arbitrary: meta }, { weight: 1, arbitrary: bad })],
    [
      'mixed',
      fc.oneof(
        { weight: 6, arbitrary: meta },
        { weight: 6, arbitrary: classicOf(storeOf(value)) },
        { weight: 1, arbitrary: bad },
      ),
    ],
  ])('%s scripts', async (_name, line) => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(scriptOf(line), async (steps) => await play(steps, addresses, seen)),
      { numRuns: 250 },
    );
    // A script that never gets anywhere would agree about nothing.
    expect([...seen.values()].filter((count) => count > 20).length).toBeGreaterThan(15);
  });
});
