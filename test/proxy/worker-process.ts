import { realRuntime } from '../../src/core/runtime.ts';
import { memcached } from '../../src/stores/memcached/memcached.ts';

/**
 * One of many processes that share a proxy, with several clients in it: they count together, and read back what they have written.
 * Says what was wrong, or `done`.
 */
const [address = '', name = '', clients = '0', rounds = '0'] = process.argv.slice(2);
const deadline = realRuntime.clock.read() + 120_000;
const life = { freshFor: 600_000, staleFor: 0 };
const keysEach = 50;

async function work(client: string): Promise<string | undefined> {
  const store = memcached({ servers: [address], timeout: '120s', fence: false, journal: false });
  try {
    for (let round = 0; round < Number(rounds); round++) {
      const keys = Array.from({ length: keysEach }, (_, index) => `${client}:${index}`);
      const valueOf = (key: string): string => `${key} in round ${round} `.repeat(20);
      const count = store.execute({
        kind: 'count',
        key: 'shared',
        delta: 1n,
        deadline,
        initial: { value: 1n, life },
      });
      const sets = keys.map((key) =>
        store.execute({
          kind: 'set',
          mode: 'set',
          key,
          value: Buffer.from(valueOf(key)),
          flags: 0,
          life,
          deadline,
        }),
      );
      const gets = await Promise.all(keys.map((key) => store.execute({ kind: 'get', key, deadline })));
      for (const reply of [await count, ...(await Promise.all(sets))])
        if (reply.kind === 'failed') return reply.error.message;
      for (const [index, reply] of gets.entries()) {
        const text = reply.kind === 'hit' ? Buffer.from(reply.value).toString() : reply.kind;
        if (text !== valueOf(keys[index]!)) return `${keys[index]} is ${text.slice(0, 60)} in round ${round}`;
      }
    }
    return undefined;
  } finally {
    await store.close();
  }
}

const wrong = await Promise.all(
  Array.from({ length: Number(clients) }, (_, index) => work(`${name}.${index}`)),
);
process.stdout.write(wrong.find((each) => each !== undefined) ?? 'done');
