import { describe, expect, test } from 'vitest';
import { codeOf, Fleet, isRecord } from './fleet.ts';

describe('a set that is slow on its way', () => {
  test.each([
    ['here', true],
    ['in another process', false],
  ])('does not bring back what was deleted meanwhile %s', async (_, here) => {
    const fleet = new Fleet();
    const [one, other] = [fleet.join(), fleet.join()];
    const define = { load: async () => 'new row', ttl: '5m' } as const;
    const [users, others] = [one.shop.define('user', define), other.shop.define('user', define)];
    await fleet.wait(users.get('a'));
    await fleet.wait(others.get('a'));
    one.wire.fate = (operation) =>
      operation.kind === 'set' && !isRecord(operation) ? { before: 50 } : undefined;
    const set = users.set('a', 'old row');
    await fleet.runtime.advance(10);
    expect(await fleet.wait((here ? users : others).delete('a'))).toEqual({ confirmed: true });
    expect(await fleet.wait(set)).toEqual({ confirmed: true });
    expect(await fleet.wait(users.get('a'))).toBe('new row');
    expect(await fleet.wait(others.get('a'))).toBe('new row');
  });
});

test('a value that can no longer be encoded when its turn comes: the error, and the right is given back', async () => {
  const fleet = new Fleet();
  const [one, other] = [fleet.join(), fleet.join()];
  const define = {
    load: async (): Promise<Record<string, unknown>> => ({}),
    ttl: '5m',
    sharing: 'shared',
  } as const;
  const [users, others] = [one.shop.define('user', define), other.shop.define('user', define)];
  one.wire.fate = (operation) => (operation.kind === 'get' ? { after: 20 } : undefined);
  const value: Record<string, unknown> = {};
  const set = users.set('a', value);
  await fleet.runtime.advance(10);
  value['added'] = () => undefined;
  expect(codeOf(await fleet.outcome(set))).toBe('CISTERN_UNSTORABLE');
  const before = fleet.runtime.clock.read();
  expect(await fleet.wait(others.get('a'))).toEqual({});
  expect(fleet.runtime.clock.read() - before).toBeLessThan(100);
});
