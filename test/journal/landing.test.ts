import { expect, test } from 'vitest';
import { memcached } from '../../src/stores/memcached/memcached.ts';
import { fakeRuntime } from '../../src/testing/fake-runtime.ts';
import { SimulatedMemcached } from '../servers/simulated-memcached.ts';

test('a pool that owes nothing but a look after late values is flushed and closed at once', async () => {
  const runtime = fakeRuntime({ seed: 4 });
  const server = new SimulatedMemcached(runtime);
  server.intercept = (line) => (/^ms \S+:k /.test(line) ? 'lose' : undefined);
  const store = memcached({ servers: ['127.0.0.1:11211'], runtime, timeout: '100ms' });
  const reply = store.execute({
    kind: 'set',
    mode: 'set',
    key: 'k',
    value: Buffer.from('late'),
    flags: 0,
    life: { freshFor: 60_000, staleFor: 0 },
    deadline: runtime.clock.read() + 50,
  });
  expect(await runtime.until(reply)).toMatchObject({ kind: 'failed', applied: 'unknown' });
  server.listener.cutAll();
  await runtime.advance(1000);
  const removals = (): number => server.requests.join('').match(/^md \S+:k\b/gm)?.length ?? 0;
  expect([removals(), store.journal()?.pending]).toEqual([1, 1]);
  const before = runtime.clock.read();
  expect(await runtime.until(store.flush(5000))).toBe(false);
  await runtime.until(store.close());
  expect([removals(), runtime.clock.read() - before]).toEqual([1, 0]);
  expect(server.listener.peers.size).toBe(0);
});
