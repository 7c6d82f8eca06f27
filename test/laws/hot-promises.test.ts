import { createHook } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { cistern } from '../../src/index.ts';

test('a hot promise that all callers share may be awaited by a program that begins to follow promises later', async () => {
  await using shop = cistern({ name: 'shop' });
  const users = shop.define('user', { load: (id: number) => `user ${id}`, ttl: '5m' });
  for (let read = 0; read < 4; read++) await users.get(1);
  const hot = users.get(1);
  expect(users.get(1)).toBe(hot);
  // Node marks the promises that it follows. If it cannot, it throws where nobody can catch it.
  expect(Object.isExtensible(hot)).toBe(true);

  const hook = createHook({ init: () => undefined }).enable();
  try {
    expect(await users.get(1)).toBe('user 1');
  } finally {
    hook.disable();
  }
});
