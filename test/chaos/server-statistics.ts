import { connect } from 'node:net';
import type { MemcachedServer } from '../../src/testing/memcached-server.ts';

/** How many gets of all kinds these servers have carried out since they were started, as they say themselves. */
export async function countGets(servers: readonly MemcachedServer[]): Promise<number> {
  const counts = await Promise.all(servers.map(async ({ port }) => await statistic(port, 'cmd_get')));
  return counts.reduce((sum, count) => sum + count, 0);
}

function statistic(port: number, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write('stats\r\n'));
    socket.on('data', (data: Buffer) => {
      said += data.toString('latin1');
      if (!said.endsWith('END\r\n')) return;
      socket.destroy();
      resolve(Number(new RegExp(`^STAT ${name} (\\d+)\\r$`, 'm').exec(said)?.[1]));
    });
    socket.on('error', reject);
  });
}
