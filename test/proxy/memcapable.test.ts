import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import { serveProxy } from '../../src/proxy/proxy.ts';
import { memcached } from '../../src/stores/memcached/memcached.ts';
import { memory } from '../../src/stores/memory/memory.ts';
import { startMemcached } from '../../src/testing/memcached-server.ts';
import { withoutMemcached } from '../servers/real-memcached.ts';

/** libmemcached's check of what a server can do; its name differs by version. */
const program = ['memccapable', 'memcapable']
  .flatMap((name) => (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name)))
  .find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** All its checks of the text protocol: their names, and whether they passed. */
async function check(store: Store): Promise<ReadonlyMap<string, string>> {
  const proxy = await serveProxy(store, { listen: '127.0.0.1:0' });
  try {
    const port = proxy.addresses[0]!.split(':')[1]!;
    const { stdout } = await promisify(execFile)(program!, ['-h', '127.0.0.1', '-p', port, '-a']);
    return new Map(
      [...stdout.matchAll(/^(\w.*?) {2,}\[(\w+)\]$/gm)].map(([, name, result]) => [name!, result!]),
    );
  } finally {
    await proxy.close();
    await store.close();
  }
}

function expectAllPassed(results: ReadonlyMap<string, string>): void {
  expect([...results].filter(([, result]) => result !== 'pass')).toEqual([]);
  for (const command of 'version quit verbosity set get gets mget flush add replace cas delete incr decr append prepend stat'.split(
    ' ',
  ))
    expect(results.get(`ascii ${command}`), command).toBe('pass');
}

const needs =
  program === undefined ? ' (skipped: it needs memccapable, Debian: apt-get install libmemcached-tools)' : '';

describe.skipIf(program === undefined)(`libmemcached finds a complete server${needs}`, () => {
  test('in front of memory', async () => {
    expectAllPassed(await check(memory({ raw: true })));
  });

  test.skipIf(withoutMemcached)('in front of a memcached, with a fence and without', async () => {
    for (const fence of [true, false]) {
      const server = await startMemcached();
      try {
        expectAllPassed(
          await check(memcached({ servers: [server.address], raw: true, timeout: '5s', fence })),
        );
      } finally {
        await server.stop();
      }
    }
  });
});
