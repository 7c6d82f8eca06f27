import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { realRuntime } from '../../src/core/runtime.ts';
import { serveProxy } from '../../src/proxy/proxy.ts';
import { memcached } from '../../src/stores/memcached/memcached.ts';
import { startMemcached } from '../../src/testing/memcached-server.ts';
import { withoutMemcached } from '../servers/real-memcached.ts';
import { Talk } from './talk.ts';

const workers = 4;
const clients = 5;
const rounds = 20;

function run(address: string, name: string): Promise<string> {
  return new Promise((resolve) => {
    const program = fileURLToPath(new URL('./worker-process.ts', import.meta.url));
    const child = spawn(process.execPath, [program, address, name, String(clients), String(rounds)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    });
    let said = '';
    child.stdout.on('data', (chunk) => (said += String(chunk)));
    child.once('exit', (code) => resolve(code === 0 ? said : `exit code ${code}: ${said}`));
  });
}

test.skipIf(withoutMemcached)(
  'many workers share a unix socket, and one connection behind it: every answer is the right one',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cistern-workers-'));
    const server = await startMemcached({ args: ['-m', '128'] });
    const store = memcached({
      servers: [server.address],
      raw: true,
      timeout: '120s',
      pool: { initial: 1, max: 1 },
    });
    const path = join(folder, 'proxy.sock');
    const proxy = await serveProxy(store, { listen: `unix:${path}`, timeout: '120s' });
    try {
      const results = await Promise.all(
        Array.from({ length: workers }, (_, index) => run(proxy.addresses[0]!, `worker${index}`)),
      );
      expect(results).toEqual(results.map(() => 'done'));
      expect(proxy.statistics.total_connections).toBe(workers * clients);
      const client = new Talk(realRuntime, proxy.addresses[0]!);
      expect(await client.ask('get shared\r\n', 'END\r\n')).toContain(
        `\r\n${workers * clients * rounds}\r\n`,
      );
      client.destroy();
      const connections = new Talk(realRuntime, server.address);
      const stats = await connections.ask('stats\r\n', 'END\r\n');
      // The proxy's, this one, and what the server has for itself.
      expect(Number(/STAT curr_connections (\d+)/.exec(stats)![1])).toBeLessThanOrEqual(4);
      connections.destroy();
    } finally {
      await proxy.close();
      await store.close();
      await server.stop();
      rmSync(folder, { recursive: true });
    }
  },
  180_000,
);
