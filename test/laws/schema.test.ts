import { describe, expect, test } from 'vitest';
import type { StandardSchema } from '../../src/index.ts';
import { Fleet, Source } from './fleet.ts';

interface User {
  readonly name: string;
  readonly seen?: boolean;
}

function schema(validate: (value: unknown) => unknown): StandardSchema<User> {
  return { '~standard': { version: 1, vendor: 'test', validate: validate as never } };
}

const issues = { issues: [{ message: 'name is missing' }] };
const strict = (value: unknown) =>
  typeof (value as User).name === 'string' ? { value: { name: (value as User).name, seen: true } } : issues;

describe('a value schema', () => {
  for (const [how, validate] of Object.entries({
    'at once': strict,
    'by a promise': async (value: unknown) => await Promise.resolve(strict(value)),
    'by another kind of promise': (value: unknown) => ({
      // oxlint-disable-next-line unicorn/no-thenable
      then: (resolve: (result: unknown) => void) => resolve(strict(value)),
    }),
  })) {
    test(`refuses what comes back from the remote tier: a miss, loaded and replaced (${how})`, async () => {
      const fleet = new Fleet();
      const old = fleet
        .join()
        .shop.define<string, unknown>('user', { load: () => ({ nom: 'old' }), ttl: '5m' });
      await fleet.wait(old.get('a'));
      await fleet.runtime.settle();
      const source = new Source<User>();
      source.values.set('a', { name: 'new' });
      const users = fleet.join().shop.define<string, User>('user', {
        load: source.load,
        ttl: '5m',
        value: schema(validate),
      });
      expect(await fleet.wait(users.get('a'))).toEqual({ name: 'new' });
      await fleet.runtime.settle();
      // The bad entry was replaced for all, by CAS.
      const third = fleet.join().shop.define<string, User>('user', {
        load: source.load,
        ttl: '5m',
        value: schema(validate),
      });
      expect(await fleet.wait(third.get('a'))).toEqual({ name: 'new', seen: true });
      expect(source.loads).toBe(1);
    });
  }

  test('is not asked for what the loader answers, nor for notFound and near hits', async () => {
    const fleet = new Fleet();
    let asked = 0;
    const source = new Source<User>();
    source.values.set('a', { name: 'x' });
    const users = fleet.join().shop.define<string, User>('user', {
      load: source.load,
      ttl: '5m',
      value: schema((value) => {
        asked++;
        return strict(value);
      }),
    });
    for (let read = 0; read < 3; read++) await fleet.wait(users.get('a'));
    expect(asked).toBe(0);
  });

  test('that never answers does not hold the key beyond the deadline', async () => {
    const fleet = new Fleet();
    const source = new Source<User>();
    source.values.set('a', { name: 'x' });
    const define = { load: source.load, ttl: '5m', near: false, deadline: '1s' } as const;
    await fleet.wait(fleet.join().shop.define<string, User>('user', define).get('a'));
    await fleet.runtime.settle();
    const users = fleet.join().shop.define<string, User>('user', {
      ...define,
      value: schema(() => new Promise(() => undefined)),
    });
    for (let read = 0; read < 2; read++) {
      const started = fleet.runtime.clock.read();
      await fleet.outcome(users.get('a'));
      expect(fleet.runtime.clock.read() - started).toBeLessThanOrEqual(1000);
    }
  });
});

describe('an entry that cannot be read', () => {
  test('counts as a miss and is replaced: foreign bytes, damage, another version of the format', async () => {
    for (const bytes of [
      new Uint8Array(0),
      Buffer.from('foreign'),
      new Uint8Array([0xc5, 9, 0, 0]),
      new Uint8Array([0xc5, 1, 255]),
    ]) {
      const fleet = new Fleet();
      const { shop, wire } = fleet.join();
      const source = new Source();
      source.values.set('a', 'value');
      const users = shop.define('user', { load: source.load, ttl: '5m', near: false });
      await fleet.wait(users.get('a'));
      await fleet.runtime.settle();
      const { key } = wire.entries('set')[0]!;
      const life = { freshFor: 300_000, staleFor: 0 };
      await fleet.wait(
        fleet.server.execute({
          kind: 'set',
          mode: 'set',
          key,
          value: bytes,
          flags: 0,
          life,
          deadline: Infinity,
        }),
      );
      expect(await fleet.wait(users.get('a'))).toBe('value');
      await fleet.runtime.settle();
      expect(await fleet.wait(users.get('a'))).toBe('value');
      expect(source.loads).toBe(2);
    }
  });
});
