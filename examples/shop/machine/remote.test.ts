import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { startRemote } from './remote.ts';

const PATH = process.env['PATH'];
afterEach(() => void (process.env['PATH'] = PATH));

test('without a memcached on the PATH the shop has the one that comes with Cistern, and leaves nothing behind', async () => {
  process.env['PATH'] = '/nowhere';
  const remote = await startRemote();
  expect(remote.description).toMatch(
    /^'cistern proxy --memory 256mb' on 127\.0\.0\.1:\d+ \(memcached is not on the PATH/,
  );
  const deadline = performance.now() + 5000;
  const life = { freshFor: 60_000, staleFor: 60_000 };
  const set = {
    kind: 'set',
    mode: 'set',
    key: 'k',
    value: Buffer.from('v'),
    flags: 0,
    life,
    deadline,
  } as const;
  expect(await remote.store.execute(set)).toMatchObject({ kind: 'stored' });
  expect(await remote.store.execute({ kind: 'get', key: 'k', deadline })).toMatchObject({ kind: 'hit' });
  await remote.stop();
  const socket = connect(Number(/:(\d+) /.exec(remote.description)![1]), '127.0.0.1');
  await expect(once(socket, 'connect')).rejects.toThrow('ECONNREFUSED');
});
