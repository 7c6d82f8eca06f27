import { describe, expect, test } from 'vitest';
import { Fleet, isRecord, Source } from './fleet.ts';

const stale = { staleWhileRevalidate: '1m', staleIfError: '1h' } as const;

describe('a late reply of the remote tier', () => {
  test('that comes after a delete does not fill the near tier', async () => {
    const fleet = new Fleet();
    const { shop, wire } = fleet.join();
    const source = new Source();
    source.values.set('a', 'old');
    const users = shop.define('user', { load: source.load, ttl: '5m' });
    await fleet.wait(users.get('a'));
    await fleet.runtime.advance(6000);
    wire.fate = (operation) =>
      operation.kind === 'get' && !isRecord(operation) ? { after: 100 } : undefined;
    const late = users.get('a');
    await fleet.runtime.advance(10);
    source.values.set('a', 'new');
    expect(await fleet.wait(users.delete('a'))).toEqual({ confirmed: true });
    expect(await fleet.wait(late)).toBe('old');
    expect(users.peek('a')).toBeUndefined();
    expect(await fleet.wait(users.get('a'))).toBe('new');
  });

  test('that comes before a delete is carried out does not outlive it', async () => {
    const fleet = new Fleet();
    const { shop, wire } = fleet.join();
    const source = new Source();
    source.values.set('a', 'old');
    const users = shop.define('user', { load: source.load, ttl: '5m' });
    await fleet.wait(users.get('a'));
    await fleet.runtime.settle();
    wire.fate = (operation) => (operation.kind === 'delete' ? { before: 50 } : undefined);
    source.values.set('a', 'new');
    const deleted = users.delete('a');
    // The near tier has forgotten it, the remote tier still has it.
    expect(await fleet.wait(users.get('a'))).toBe('old');
    await fleet.wait(deleted);
    expect(users.peek('a')).toBeUndefined();
    expect(await fleet.wait(users.get('a'))).toBe('new');
  });

  test('to a fill does not bring back what was deleted meanwhile', async () => {
    const fleet = new Fleet();
    const { shop, wire } = fleet.join();
    const source = new Source();
    source.values.set('a', 'old');
    const users = shop.define('user', { load: source.load, ttl: '5m' });
    wire.fate = (operation) =>
      operation.kind === 'set' && !isRecord(operation) ? { after: 100 } : undefined;
    expect(await fleet.wait(users.get('a'))).toBe('old');
    wire.fate = () => undefined;
    source.values.set('a', 'new');
    expect(await fleet.wait(users.delete('a'))).toEqual({ confirmed: true });
    await fleet.runtime.advance(200);
    expect(users.peek('a')).toBeUndefined();
    expect(await fleet.wait(users.get('a'))).toBe('new');
  });

  test('that comes after an expire does not make the near copy fresh again', async () => {
    const fleet = new Fleet();
    const { shop, wire } = fleet.join();
    const source = new Source();
    source.values.set('a', 'old');
    const users = shop.define('user', { load: source.load, ttl: '5m', nearTtl: '1m', ...stale });
    await fleet.wait(users.get('a'));
    await fleet.runtime.advance(70_000);
    // The read overtakes the mark.
    wire.fate = (operation) => (operation.kind === 'delete' ? { before: 50 } : undefined);
    source.values.set('a', 'new');
    const expired = users.expire('a');
    const meanwhile = users.get('a');
    expect(await fleet.wait(expired)).toEqual({ confirmed: true });
    expect(await fleet.wait(meanwhile)).toBe('old');
    const entry = await fleet.wait(users.entry('a'));
    expect([entry.value, entry.status]).not.toEqual(['old', 'hit']);
    await fleet.runtime.advance(100);
    expect(await fleet.wait(users.get('a'))).toBe('new');
  });

  test('to a set does not bring back what was deleted meanwhile', async () => {
    const fleet = new Fleet();
    const { shop, wire } = fleet.join();
    const source = new Source();
    source.values.set('a', 'newest');
    const users = shop.define('user', { load: source.load, ttl: '5m' });
    wire.fate = (operation) =>
      operation.kind === 'set' && !isRecord(operation) ? { after: 100 } : undefined;
    const set = users.set('a', 'old');
    await fleet.runtime.advance(10);
    wire.fate = () => undefined;
    expect(await fleet.wait(users.delete('a'))).toEqual({ confirmed: true });
    expect(await fleet.wait(users.get('a'))).toBe('newest');
    await fleet.wait(set);
    expect(await fleet.wait(users.get('a'))).toBe('newest');
  });

  test('to a set does not overwrite the near copy of a later set', async () => {
    const fleet = new Fleet();
    const { shop, wire } = fleet.join();
    const source = new Source();
    const users = shop.define('user', { load: source.load, ttl: '5m' });
    let slow = true;
    wire.fate = (operation) =>
      operation.kind === 'set' && !isRecord(operation) && slow ? { after: 100 } : undefined;
    const first = users.set('a', 'first');
    await fleet.runtime.advance(10);
    slow = false;
    await fleet.wait(users.set('a', 'second'));
    await fleet.wait(first);
    expect(await fleet.wait(users.get('a'))).toBe('second');
  });

  test('about the server record, when it is due: entries are not trusted, a clear may have gone unnoticed', async () => {
    const fleet = new Fleet();
    const [a, b] = [fleet.join({ remoteTimeout: 100 }), fleet.join()];
    const source = new Source();
    source.values.set('a', 'old');
    const define = { load: source.load, ttl: '5m', near: false } as const;
    const users = a.shop.define('user', define);
    await fleet.wait(users.get('a'));
    await fleet.runtime.advance(1000);
    source.values.set('a', 'new');
    expect(await fleet.wait(b.shop.define('user', define).clear())).toEqual({ confirmed: true });
    // Replies about entries come in time, those about the record do not.
    a.wire.fate = (operation) => (isRecord(operation) ? { after: 5000 } : undefined);
    for (let read = 0; read < 3; read++) expect(await fleet.wait(users.get('a'))).toBe('new');
    // A delete under a generation that may be over is not confirmed.
    await fleet.runtime.advance(1000);
    expect(await fleet.wait(users.delete('a'))).toEqual({ confirmed: false });
    a.wire.fate = () => undefined;
    await fleet.runtime.advance(10_000);
    expect(await fleet.wait(users.delete('a'))).toEqual({ confirmed: true });
  });
});
