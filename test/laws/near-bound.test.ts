import { describe, expect, test } from 'vitest';
import { Fleet, isRecord, Source } from './fleet.ts';

describe('nearTtl counts from when the remote tier was asked, not from when its reply came', () => {
  test.each(['get', 'set'] as const)('a slow reply to a %s', async (kind) => {
    const fleet = new Fleet();
    const [one, other] = [fleet.join(), fleet.join()];
    const source = new Source();
    source.values.set('a', 'old');
    const define = { load: source.load, ttl: '5m', nearTtl: '1s' } as const;
    const [users, others] = [one.shop.define('user', define), other.shop.define('user', define)];
    if (kind === 'get') await fleet.wait(others.get('a'));
    one.wire.fate = (operation) =>
      operation.kind === kind && !isRecord(operation) ? { after: 800 } : undefined;
    const first: Promise<unknown> = kind === 'get' ? users.get('a') : users.set('a', 'old');
    await fleet.runtime.advance(10);
    source.values.set('a', 'new');
    expect(await fleet.wait(others.delete('a'))).toEqual({ confirmed: true });
    await fleet.wait(first);
    one.wire.fate = () => undefined;
    await fleet.runtime.advance(1100 - 800);
    expect(await fleet.wait(users.get('a'))).toBe('new');
  });
});
