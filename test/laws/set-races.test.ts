import { describe, expect, test } from 'vitest';
import { Fleet, isRecord } from './fleet.ts';

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
