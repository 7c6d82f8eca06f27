import { expect, test } from 'vitest';
import { lending } from '../../src/core/lending.ts';
import { realRuntime } from '../../src/core/runtime.ts';
import type { Operation, Reply, Store } from '../../src/core/store.ts';
import { serveProxy } from '../../src/proxy/proxy.ts';
import { seededRandom } from '../../src/testing/seeded-random.ts';
import { Talk } from './talk.ts';

/** Answers in any order, in turns of its own, and writes over every value when the turn of its answer ends. */
class LendingStore implements Store {
  readonly name = 'lending';
  readonly parts: readonly Store[] = [];
  readonly #random = seededRandom(5);

  execute(operation: Operation): Promise<Reply> {
    const { promise, resolve } = Promise.withResolvers<Reply>();
    const turns = Math.floor(this.#random() * 6);
    const answer = (left: number): void => {
      if (left > 0) setImmediate(answer, left - 1);
      else if (operation.kind === 'get') {
        const value = Buffer.from(`value of ${operation.key}`);
        setImmediate(() => value.fill('!'));
        const times = { freshFor: 60_000, expiresIn: 60_000 };
        resolve({ kind: 'hit', value, flags: 0, cas: '7', ...times, marked: false, claim: 'none' });
      } else resolve({ kind: 'stored', cas: '' });
    };
    setImmediate(answer, turns);
    return promise;
  }

  async close(): Promise<void> {}
}

test('values that are lent are answered as they were, in whatever order the store answers, and in several steps too', async () => {
  const proxy = await serveProxy(lending(new LendingStore()), { listen: '127.0.0.1:0' });
  const clients = Array.from({ length: 3 }, () => new Talk(realRuntime, proxy.addresses[0]!));
  const keys = Array.from({ length: 500 }, (_, index) => `key-${index}`);
  try {
    await Promise.all(
      clients.map(async (client) => {
        // Every fifth asks for the old time together with a new one: two operations.
        const asked = keys.map((key, index) => `mg ${key} v t${index % 5 === 0 ? ' T90' : ''}\r\n`).join('');
        const wanted = keys.map((key) => `VA ${9 + key.length} t60\r\nvalue of ${key}\r\n`).join('');
        expect(await client.ask(`${asked}mn\r\n`, 'MN\r\n')).toBe(`${wanted}MN\r\n`);
      }),
    );
  } finally {
    for (const client of clients) client.destroy();
    await proxy.close();
  }
});
