import { spawn, spawnSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { findMemcached, startMemcached } from '../../src/testing/memcached-server.ts';
import { runCistern } from './run-cistern.ts';

/** A connection to a server of lines: all it says is gathered. */
class Talk {
  said = '';
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => (this.said += text));
    socket.on('error', () => {});
  }

  static async to(port: number): Promise<Talk> {
    const socket = connect(port, '127.0.0.1');
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new Talk(socket);
  }

  /** Says something, and waits until what was said back since ends like this. */
  async ask(text: string, end: RegExp): Promise<string> {
    const from = this.said.length;
    this.#socket.write(text, 'latin1');
    return await this.until(end, from);
  }

  async until(end: RegExp, from = 0): Promise<string> {
    for (let turn = 0; turn < 2000; turn++) {
      const news = this.said.slice(from);
      if (end.test(news)) return news;
      await sleep(5);
    }
    throw new Error(`no ${String(end)} in ${this.said.slice(from)}`);
  }

  close(): void {
    this.#socket.destroy();
  }
}

interface Line {
  requests: number;
  distinct: number;
  malformed: number;
  format: string;
  results: { hitRatio: number }[];
}

function simulated(log: string): Line {
  const { code, out, err } = runCistern(
    ['simulate', '-', '--json', '--policies', 'lru', '--sizes', '1000'],
    log,
  );
  expect(code, err).toBe(0);
  return JSON.parse(out) as Line;
}

/** Read-through by hand: 300 gets of 30 keys, a set after each miss. */
const gets = Array.from({ length: 300 }, (_, at) => `page:/a?b=${(at * 7) % 30}&c=\u00e9`);

describe.skipIf(findMemcached() === undefined)('a real memcached', () => {
  test.each(['watch fetchers', 'watch fetchers mutations'])(
    "its '%s' log gives the requests that were made",
    async (command) => {
      const server = await startMemcached();
      const [watcher, client] = [await Talk.to(server.port), await Talk.to(server.port)];
      try {
        await watcher.ask(`${command}\r\n`, /^OK\r\n/);
        for (const key of gets) {
          const answer = await client.ask(`get ${key}\r\n`, /END\r\n$/);
          if (answer === 'END\r\n') await client.ask(`set ${key} 0 0 5\r\nvalue\r\n`, /STORED\r\n/);
        }
        // The log comes a moment later than the answers.
        await client.ask('get the-end\r\n', /END\r\n/);
        await watcher.until(/key=the-end .*\n/);
        const line = simulated(watcher.said);
        expect(line).toMatchObject({ format: 'memcached-watch', requests: 301, distinct: 31, malformed: 0 });
        expect(line.results[0]!.hitRatio).toBeCloseTo(270 / 301, 6);
        const dump = await client.ask('lru_crawler metadump all\r\n', /END\r\n$/);
        const { out } = runCistern(['size', '-', '--json'], dump);
        expect(JSON.parse(out)).toMatchObject({ format: 'memcached-metadump', items: 30, malformed: 0 });
      } finally {
        watcher.close();
        client.close();
        await server.stop();
      }
    },
  );
});

const redisServer = 'redis-server';
const redis = spawnSync(redisServer, ['--version']).status === 0;

describe.skipIf(!redis)('a real Redis', () => {
  test('its MONITOR gives the requests that were made', async () => {
    const port = 20_000 + (process.pid % 20_000);
    const server = spawn(
      redisServer,
      ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
      { stdio: 'ignore' },
    );
    try {
      let client: Talk | undefined;
      for (let turn = 0; client === undefined; turn++) {
        client = await Talk.to(port).catch(() => undefined);
        if (client === undefined && turn > 200) throw new Error('redis-server did not answer');
        if (client === undefined) await sleep(20);
      }
      const watcher = await Talk.to(port);
      const line = (...words: string[]): string => `${words.map((word) => `"${word}"`).join(' ')}\r\n`;
      await watcher.ask('MONITOR\r\n', /OK\r\n/);
      for (const key of gets) {
        const answer = await client.ask(line('GET', key), /\$(?:-1\r\n|5\r\nvalue\r\n)$/);
        if (answer === '$-1\r\n') await client.ask(line('SET', key, 'value'), /OK\r\n/);
      }
      await client.ask(line('MGET', gets[0]!, 'the-end'), /\$-1\r\n/);
      await watcher.until(/the-end/);
      const result = simulated(watcher.said);
      // The protocol's plus signs are not in what redis-cli prints.
      expect(simulated(watcher.said.replace(/^\+/gm, '')).requests).toBe(result.requests);
      expect(result).toMatchObject({ format: 'redis-monitor', requests: 302, distinct: 31, malformed: 0 });
      expect(result.results[0]!.hitRatio).toBeCloseTo(271 / 302, 6);
      client.close();
      watcher.close();
    } finally {
      server.kill('SIGKILL');
    }
  });
});
