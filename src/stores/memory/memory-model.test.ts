import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Operation, Reply } from '../../core/store.ts';
import { fakeRuntime } from '../../testing/fake-runtime.ts';
import { memory } from './memory.ts';

/** One entry, as simple as it can be said. `cas` counts its changes. */
interface Modelled {
  value: string;
  flags: number;
  ends: number;
  staleFor: number;
  cas: number;
  state: 'clean' | 'marked' | 'placeholder';
  taken: boolean;
}

/** The contract in a few lines: what each operation answers, on a plain `Map` and a number for the time. */
class Model {
  readonly entries = new Map<string, Modelled>();
  now = 0;
  changes = 0;

  answer(asked: Operation): string {
    const { entries, now } = this;
    const key = asked.key;
    if ((entries.get(key)?.ends ?? now) <= now) entries.delete(key);
    const entry = entries.get(key);
    const wrongCas =
      'cas' in asked && asked.cas !== undefined && entry !== undefined && asked.cas !== String(entry.cas);
    const write = (changed: Partial<Modelled>): string => {
      const cas = ++this.changes;
      const before = entry ?? { value: '', flags: 0, ends: 0, staleFor: 0, state: 'clean', taken: false };
      entries.set(key, { ...before, state: 'clean', taken: false, ...changed, cas });
      return 'stored';
    };
    switch (asked.kind) {
      case 'get': {
        if (entry === undefined || entry.state === 'placeholder') {
          if (asked.lease === undefined) return 'miss none';
          if (entry === undefined) write({ state: 'placeholder', taken: true, ends: now + asked.lease });
          const lease = entry?.taken === true ? 'lost' : 'won';
          entries.get(key)!.taken = true;
          return `miss ${lease} ${entries.get(key)!.cas}`;
        }
        const may =
          entry.state === 'marked' || (asked.recache !== undefined && entry.ends - now < asked.recache);
        const claim = entry.taken ? 'lost' : may ? 'won' : 'none';
        entry.taken ||= may;
        if (asked.touch) entry.ends = now + asked.touch.freshFor + asked.touch.staleFor;
        const left = entry.ends - now;
        const fresh = entry.state === 'marked' ? Math.min(0, left - entry.staleFor) : left - entry.staleFor;
        return `hit ${entry.value} ${entry.flags} ${entry.cas} ${fresh} ${left} ${entry.state === 'marked'} ${claim}`;
      }
      case 'set': {
        const value = Buffer.from(asked.value).toString();
        const { freshFor, staleFor } = asked.life;
        const fresh = { value, flags: asked.flags, staleFor, ends: now + freshFor + staleFor };
        if (asked.mode === 'add') return entry === undefined ? write(fresh) : 'notStored';
        if (entry === undefined && (asked.mode === 'append' || asked.mode === 'prepend')) return 'notStored';
        if (entry === undefined && asked.cas !== undefined) return 'notFound';
        if (entry === undefined && asked.mode === 'replace') return 'notStored';
        if (wrongCas) return 'conflict';
        if (asked.mode === 'append') return write({ value: entry!.value + value });
        return write(asked.mode === 'prepend' ? { value: value + entry!.value } : fresh);
      }
      case 'delete':
        if (entry === undefined) return 'notFound';
        if (wrongCas) return 'conflict';
        if (asked.staleFor !== undefined)
          return write({
            state: entry.state === 'placeholder' ? 'placeholder' : 'marked',
            ends: now + asked.staleFor,
          });
        entries.delete(key);
        return 'stored';
      case 'touch':
        if (entry === undefined || entry.state === 'placeholder') return 'notFound';
        entry.ends = now + asked.life.freshFor + asked.life.staleFor;
        return 'stored';
      case 'count': {
        if (entry === undefined) {
          if (asked.initial === undefined) return 'notFound';
          const { value, life } = asked.initial;
          write({ value: String(value), staleFor: life.staleFor, ends: now + life.freshFor + life.staleFor });
          return `counted ${value}`;
        }
        if (!/^\d{1,20}$/.test(entry.value)) return 'failed';
        const sum = BigInt(entry.value) + asked.delta;
        write({ value: String(sum < 0n ? 0n : sum), state: entry.state, taken: entry.taken });
        return `counted ${sum < 0n ? 0n : sum}`;
      }
      case 'release': {
        if (entry === undefined) return 'notFound';
        const state = { lease: 'placeholder', recache: 'clean', stale: 'marked' }[asked.right];
        if (wrongCas || entry.state !== state) return 'conflict';
        if (asked.right !== 'lease') return write({ state: entry.state });
        entries.delete(key);
        return 'stored';
      }
    }
  }
}

function shown(reply: Reply, asked: Operation): string {
  if (reply.kind === 'miss') return reply.lease === 'none' ? 'miss none' : `miss ${reply.lease} ${reply.cas}`;
  if (reply.kind !== 'hit') return reply.kind;
  const value = Buffer.from(reply.value).toString();
  if (asked.kind === 'count') return `counted ${value}`;
  return `hit ${value} ${reply.flags} ${reply.cas} ${reply.freshFor} ${reply.expiresIn} ${reply.marked} ${reply.claim}`;
}

const span = fc.integer({ min: 1, max: 100 });
const life = fc.record({ freshFor: span, staleFor: fc.integer({ min: 0, max: 100 }) });
/** CAS values are counted from 1, so that small numbers often name the present state. */
const cas = fc.integer({ min: 0, max: 12 }).map(String);
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const to = { key: fc.constantFrom('a', 'b'), deadline: fc.constant(Number.POSITIVE_INFINITY) };
const value = fc.constantFrom('x', '7', '10').map((text) => Buffer.from(text));
const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      ...to,
      kind: fc.constant('get'),
      lease: optional(span),
      recache: optional(fc.integer({ min: 0, max: 250 })),
      touch: fc.option(life, { nil: undefined, freq: 6 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      ...to,
      kind: fc.constant('set'),
      mode: fc.constantFrom('set', 'add', 'replace', 'append', 'prepend'),
      value,
      flags: fc.integer({ min: 0, max: 511 }),
      life,
      cas: optional(cas),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      ...to,
      kind: fc.constant('delete'),
      staleFor: optional(span),
      cas: fc.option(cas, { nil: undefined, freq: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ ...to, kind: fc.constant('touch'), life }) },
  {
    weight: 2,
    arbitrary: fc.record({
      ...to,
      kind: fc.constant('count'),
      delta: fc.bigInt({ min: -20n, max: 20n }),
      initial: optional(fc.record({ value: fc.constant(5n), life })),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      ...to,
      kind: fc.constant('release'),
      right: fc.constantFrom('lease', 'recache', 'stale'),
      cas,
    }),
  },
) as fc.Arbitrary<Operation>;
/** Operations of one turn, then time. */
const turn = fc.record({
  asked: fc.array(operation, { minLength: 1, maxLength: 5 }),
  pass: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 120 })),
});

test('memory answers every script as the model does, to the millisecond', async () => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { maxLength: 25 }), async (turns) => {
      const runtime = fakeRuntime({ seed: 1 });
      const store = memory({ runtime });
      const model = new Model();
      for (const { asked, pass } of turns) {
        const replies = await Promise.all(asked.map((each) => store.execute(each)));
        const answers = replies.map((reply, index) => shown(reply, asked[index]!));
        expect(answers).toEqual(asked.map((each) => model.answer(each)));
        for (const answer of answers) {
          const kind = answer.replace(/ .* /, ' ');
          seen.set(kind, (seen.get(kind) ?? 0) + 1);
        }
        await runtime.advance(pass);
        model.now += pass;
      }
      await store.close();
      expect(runtime.timers).toBe(0);
    }),
    { numRuns: 1500 },
  );
  for (const kind of [
    'hit won',
    'hit lost',
    'hit none',
    'miss none',
    'stored',
    'notStored',
    'conflict',
    'notFound',
    'failed',
  ])
    expect(seen.get(kind) ?? 0, `${kind} came too rarely`).toBeGreaterThan(50);
});
