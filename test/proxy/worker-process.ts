import { realRuntime } from '../../src/core/runtime.ts';
import { memcached } from '../../src/stores/memcached/memcached.ts';

/** One of many workers that share a proxy: counts, and reads back what it and others have written. Says what was wrong, or `done`. */
const [address = '', name = '', rounds = '0'] = process.argv.slice(2);
const store = memcached({ servers: [address], timeout: '20s', fence: false, journal: false });
const deadline = realRuntime.clock.read() + 60_000;
const life = { freshFor: 60_000, staleFor: 0 };
let wrong = '';

for (let round = 0; round < Number(rounds); round++) {
  const keys = Array.from({ length: 50 }, (_, index) => `${name}:${index}`);
  const replies = await Promise.all([
    store.execute({ kind: 'count', key: 'shared', delta: 1n, deadline, initial: { value: 1n, life } }),
    ...keys.map((key) =>
      store.execute({
        kind: 'set',
        mode: 'set',
        key,
        value: Buffer.from(`${key} in round ${round} `.repeat(20)),
        flags: 0,
        life,
        deadline,
      }),
    ),
    ...keys.map((key) => store.execute({ kind: 'get', key, deadline })),
  ]);
  for (const [index, reply] of replies.entries()) {
    if (reply.kind === 'failed') wrong = reply.error.message;
    else if (index > 50) {
      const expected = `${keys[index - 51]!} in round ${round} `.repeat(20);
      if (reply.kind !== 'hit' || Buffer.from(reply.value).toString() !== expected)
        wrong = `another answer for ${keys[index - 51]}`;
    }
  }
}
await store.close();
process.stdout.write(wrong === '' ? 'done' : wrong);
