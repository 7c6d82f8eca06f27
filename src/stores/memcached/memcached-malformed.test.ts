import { channel } from 'node:diagnostics_channel';
import { afterEach, expect, test } from 'vitest';
import { SimulatedMemcached } from '../../../test/servers/simulated-memcached.ts';
import type { Operation, Reply } from '../../core/store.ts';
import { type FakeRuntime, fakeRuntime } from '../../testing/fake-runtime.ts';
import { memcached, type MemcachedOptions } from './memcached.ts';

const life = { freshFor: 1000, staleFor: 0 };
const good: readonly Readonly<Record<string, unknown>>[] = [
  { kind: 'get', key: 'k', lease: 1000, recache: 10, touch: life },
  { kind: 'set', mode: 'set', key: 'k', value: Buffer.from('v'), flags: 0, life },
  { kind: 'set', mode: 'set', key: 'k', value: Buffer.from('v'), flags: 0, life, cas: '7' },
  { kind: 'delete', key: 'k', staleFor: 1000 },
  { kind: 'delete', key: 'k', cas: '7' },
  { kind: 'touch', key: 'k', life },
  { kind: 'count', key: 'k', delta: 1n, initial: { value: 1n, life } },
  { kind: 'release', key: 'k', right: 'lease', cas: '7' },
];

function trap(): never {
  throw new Error('looked at');
}
const untouchable = new Proxy({}, { get: trap, getPrototypeOf: trap, has: trap, ownKeys: trap });
const junk: readonly unknown[] = [
  undefined,
  null,
  Number.NaN,
  -1,
  'x',
  '',
  5n,
  true,
  Symbol('junk'),
  {},
  [],
  Object.create(null),
  { toString: trap },
  () => undefined,
  untouchable,
];

const listen = (): void => undefined;
afterEach(() => {
  channel('cistern:store-failed').unsubscribe(listen);
});

const kinds = ['hit', 'miss', 'stored', 'notStored', 'conflict', 'notFound', 'failed'];

async function expectReplies(runtime: FakeRuntime, asked: readonly (() => Promise<Reply>)[]): Promise<void> {
  const answers = asked.map((ask) => ask());
  for (const answer of answers) expect(kinds).toContain((await runtime.until(answer)).kind);
}

test.each<Partial<MemcachedOptions>>([{ fence: false, journal: false }, {}, { raw: true, fence: false }])(
  '%o: whatever it is asked, it neither throws nor rejects, whoever listens',
  async (options) => {
    channel('cistern:store-failed').subscribe(listen);
    const runtime = fakeRuntime({ seed: 2 });
    const server = new SimulatedMemcached(runtime);
    server.intercept = (line) => (line.startsWith('ma ') ? 'NF\r\n' : undefined);
    const store = memcached({ servers: ['127.0.0.1:11211'], runtime, ...options });
    const asked: (() => Promise<Reply>)[] = junk.map((each) => () => store.execute(each as Operation));
    for (const operation of good) {
      const whole = { deadline: runtime.clock.read() + 1000, ...operation };
      for (const field of [...Object.keys(whole), 'copy', 'routingKey'])
        for (const value of junk)
          asked.push(() => store.execute({ ...whole, [field]: value } as unknown as Operation));
    }
    await expectReplies(runtime, asked);
    const another: Operation = { kind: 'delete', key: 'k', deadline: runtime.clock.read() + 1000 };
    expect(kinds.slice(2, 6)).toContain((await runtime.until(store.execute(another))).kind);
    await runtime.until(store.close());
  },
);
