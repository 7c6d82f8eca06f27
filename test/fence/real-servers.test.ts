import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Operation, Reply, Store } from '../../src/core/store.ts';
import { memcached, type MemcachedOptions } from '../../src/stores/memcached/memcached.ts';
import type { MemcachedStore } from '../../src/stores/memcached/memcached-pool.ts';
import { type FaultProxy, startFaultProxy } from '../../src/testing/fault-proxy.ts';
import { type MemcachedServer, startMemcached } from '../../src/testing/memcached-server.ts';
import { withoutMemcached } from '../servers/real-memcached.ts';

const keys = Array.from({ length: 200 }, (_, index) => `k${index}`);
const life = { freshFor: 600_000, staleFor: 0 };

/** What the running test has to end, last first. */
const toEnd: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of toEnd.splice(0).toReversed()) await end();
});

async function start(...args: readonly string[]): Promise<MemcachedServer> {
  const server = await startMemcached({ args });
  toEnd.push(() => server.stop());
  return server;
}

async function startProxy(server: MemcachedServer): Promise<FaultProxy> {
  const proxy = await startFaultProxy({ target: { host: '127.0.0.1', port: server.port }, seed: 1 });
  toEnd.push(() => proxy.stop());
  return proxy;
}

function open(address: string, options: Partial<MemcachedOptions> = {}): MemcachedStore {
  // By whichever way it is reached, it is the same server.
  const store = memcached({ servers: [{ id: 'm', address }], timeout: '100ms', ...options });
  toEnd.push(() => store.close());
  return store;
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, milliseconds));

async function until(met: () => boolean | Promise<boolean>, patience = 20_000): Promise<void> {
  const last = performance.now() + patience;
  while (!(await met())) {
    if (performance.now() > last) throw new Error('it has not come to that in time');
    await pause(5);
  }
}

const ask = (store: Store, operation: object): Promise<Reply> =>
  store.execute({ deadline: Infinity, ...operation } as Operation);

async function fill(store: Store, value: string): Promise<void> {
  const body = Buffer.from(value);
  const set = (key: string): Promise<Reply> =>
    ask(store, { kind: 'set', mode: 'set', key, value: body, flags: 0, life });
  await until(async () => (await Promise.all(keys.map(set))).every((reply) => reply.kind === 'stored'));
}

async function answers(store: Store): Promise<readonly Reply[]> {
  return await Promise.all(keys.map((key) => ask(store, { kind: 'get', key })));
}

/** How many of the keys are still answered with a value. */
async function found(store: Store): Promise<number> {
  return (await answers(store)).filter((reply) => reply.kind === 'hit').length;
}

/** Like `found`, once the server answers for all keys again. */
async function left(store: Store): Promise<number> {
  await until(async () => (await answers(store)).every((reply) => reply.kind !== 'failed'));
  return await found(store);
}

/** Deletes all keys in several turns; answers how many were not confirmed. */
async function removeAll(store: Store): Promise<number> {
  let lost = 0;
  for (let from = 0; from < keys.length; from += 20) {
    const some = keys.slice(from, from + 20).map((key) => ask(store, { kind: 'delete', key }));
    lost += (await Promise.all(some)).filter((reply) => reply.kind === 'failed').length;
  }
  return lost;
}

const settled = (store: MemcachedStore) => (): boolean => {
  const owed = store.journal()!;
  return owed.pending === 0 && owed.servers.every((each) => !each.fencing);
};

describe.skipIf(withoutMemcached)('deletes that were lost while a server', () => {
  for (const journal of [undefined, false] as const) {
    const options = journal === undefined ? {} : { journal };
    const outcome = journal === undefined ? 'nothing old is read' : 'without a journal old values are read';

    test(`was stopped (SIGSTOP) and goes on: ${outcome}`, async () => {
      const server = await start();
      const [writer, reader] = [open(server.address, options), open(server.address, options)];
      await fill(writer, 'old');
      expect(await found(reader)).toBe(keys.length);
      server.frozen();
      expect(await removeAll(writer)).toBe(keys.length);
      server.thawed();
      if (journal === false) {
        // What had been sent is carried out by the server when it goes on; the rest is old for good.
        expect(await left(writer)).toBeGreaterThan(0);
        return;
      }
      let reads = 0;
      let old = 0;
      await until(async () => {
        old += await found(writer);
        reads++;
        return settled(writer)();
      });
      expect(old).toBe(0);
      expect(reads).toBeGreaterThan(1);
      expect([await left(writer), await left(reader)]).toEqual([0, 0]);
    });

    test(`was out of reach of one process: ${outcome}`, async () => {
      const server = await start();
      const proxy = await startProxy(server);
      const [writer, reader] = [open(proxy.address, options), open(server.address, options)];
      await fill(writer, 'old');
      proxy.faults.hang = true;
      expect(await removeAll(writer)).toBe(keys.length);
      // What hangs in the proxy never arrives.
      proxy.cutAll();
      proxy.faults.hang = false;
      if (journal === false) {
        expect(await left(writer)).toBeGreaterThan(0);
        return;
      }
      let old = 0;
      await until(async () => {
        old += await found(writer);
        return settled(writer)();
      });
      expect(old).toBe(0);
      expect([await left(writer), await left(reader)]).toEqual([0, 0]);
    });
  }

  for (const fence of [true, false]) {
    const outcome = fence ? 'it has another incarnation' : 'without a fence old values are read';
    test(`was out of reach, more than the journal has room for: ${outcome}`, async () => {
      const server = await start();
      const proxy = await startProxy(server);
      const options = { fence, journal: { maxEntries: 10 } };
      const [writer, reader] = [open(proxy.address, options), open(server.address, options)];
      await fill(writer, 'old');
      expect(await found(reader)).toBe(keys.length);
      proxy.faults.hang = true;
      await removeAll(writer);
      proxy.cutAll();
      proxy.faults.hang = false;
      await until(settled(writer));
      const owed = writer.journal()!;
      if (!fence) {
        expect(owed.dropped).toBeGreaterThan(0);
        expect(await left(reader)).toBeGreaterThan(0);
        return;
      }
      expect([owed.dropped, owed.fenced > 0]).toEqual([0, true]);
      expect(await found(writer)).toBe(0);
      // The poll period and a timeout.
      await pause(350);
      expect(await found(reader)).toBe(0);
    });
  }

  test('was killed and came back on its port: it is cold, and its CAS values of before are nobody’s', async () => {
    const server = await startMemcached();
    const store = open(server.address);
    await fill(store, 'old');
    const lease = await ask(store, { kind: 'get', key: 'new', lease: 10_000 });
    expect(lease).toMatchObject({ kind: 'miss', lease: 'won' });
    await server.stop();
    await removeAll(store);
    const again = await startMemcached({ port: server.port });
    toEnd.push(() => again.stop());
    await until(settled(store));
    expect(await left(store)).toBe(0);
    const late = await ask(store, {
      kind: 'set',
      mode: 'set',
      key: 'new',
      value: Buffer.from('late'),
      flags: 0,
      life,
      cas: (lease as { cas: string }).cas,
    });
    expect(['conflict', 'notFound']).toContain(late.kind);
    const next = await ask(store, { kind: 'get', key: 'new', lease: 10_000 });
    expect(next).toMatchObject({ kind: 'miss', lease: 'won', cas: expect.stringMatching(/^1:/) });
  });

  test('keeps no CAS values (-C): fenced all the same', async () => {
    const server = await start('-C');
    const proxy = await startProxy(server);
    const options = { journal: { maxEntries: 10 } };
    const [writer, reader] = [open(proxy.address, options), open(server.address, options)];
    await fill(writer, 'old');
    proxy.faults.hang = true;
    await removeAll(writer);
    proxy.cutAll();
    proxy.faults.hang = false;
    await until(settled(writer));
    await pause(350);
    expect([await found(writer), await found(reader)]).toEqual([0, 0]);
  });
});

describe.skipIf(withoutMemcached)('a process that is killed (SIGKILL) after it lost deletes', () => {
  for (const kept of [true, false]) {
    test(`${kept ? 'the next one repairs all of them' : 'without a file they are old for good'}`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'cistern-journal-'));
      toEnd.push(() => rmSync(folder, { recursive: true, force: true }));
      const journal = { path: join(folder, 'journal') };
      const server = await start();
      const proxy = await startProxy(server);
      await fill(open(server.address), 'old');
      proxy.faults.hang = true;
      await runKilled(proxy.address, kept ? journal : {});
      const next = open(server.address, kept ? { journal } : {});
      if (!kept) {
        expect(await left(next)).toBe(keys.length);
        return;
      }
      expect(await found(next)).toBe(0);
      await until(settled(next));
      expect(next.journal()).toMatchObject({ repaired: keys.length, file: { writable: true } });
      expect(await left(open(server.address))).toBe(0);
    });
  }

  /** Another process deletes all keys, and is killed as soon as it was told of each that it failed. */
  async function runKilled(address: string, journal: object): Promise<void> {
    const module = join(import.meta.dirname, '../../src/stores/memcached/memcached.ts');
    const program = `import { memcached } from ${JSON.stringify(module)};
      const store = memcached({ servers: [{ id: 'm', address: ${JSON.stringify(address)} }], timeout: '50ms', journal: ${JSON.stringify(journal)} });
      const keys = ${JSON.stringify(keys)};
      const remove = (key) => store.execute({ kind: 'delete', key, deadline: Infinity });
      const replies = [];
      for (let from = 0; from < keys.length; from += 50) replies.push(...await Promise.all(keys.slice(from, from + 50).map(remove)));
      process.stdout.write(replies.every((each) => each.kind === 'failed') ? 'lost' : 'not all lost');
      setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    toEnd.push(() => child.kill('SIGKILL'));
    const said = await new Promise<string>((resolve) => {
      child.stdout.once('data', (data: Buffer) => resolve(String(data)));
      child.once('exit', () => resolve('it ended'));
    });
    expect(said).toBe('lost');
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    await gone;
  }
});

describe.skipIf(withoutMemcached)('one in ten writes fails for a while', () => {
  test('and afterwards nothing is left unrepaired', async () => {
    const server = await start();
    const proxy = await startProxy(server);
    const [writer, reader] = [open(proxy.address), open(server.address)];
    await fill(writer, 'old');
    proxy.faults.cut = 0.1;
    proxy.faults.delay = [0, 3];
    const newest = new Map<string, Reply['kind']>();
    let asked = 0;
    let lost = 0;
    const end = performance.now() + 3000;
    while (performance.now() < end) {
      const key = keys[asked % keys.length]!;
      // Another process has it in the cache again and again.
      await ask(reader, { kind: 'set', mode: 'set', key, value: Buffer.from('old'), flags: 0, life });
      const reply = await ask(writer, { kind: 'delete', key });
      newest.set(key, reply.kind);
      asked++;
      if (reply.kind === 'failed') lost++;
    }
    expect(lost).toBeGreaterThan(asked / 50);
    proxy.faults.cut = 0;
    await until(settled(writer));
    // On a busy machine its own writes may fail too.
    await until(settled(reader));
    expect(newest.size).toBeGreaterThan(keys.length / 2);
    for (const key of newest.keys()) expect((await ask(reader, { kind: 'get', key })).kind).toBe('miss');
    expect(writer.journal()).toMatchObject({ pending: 0, dropped: 0, fenced: 0 });
  });
});
