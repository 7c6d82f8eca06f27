/**
 * A process that changes rows and is killed: `fork` it with what it must know as JSON. The source is its parent; each write is asked of it
 * first, then the row is invalidated, as `mutate` does it.
 */
import { cistern } from '../../src/index.ts';
import { memcached, type MemcachedStore } from '../../src/memcached.ts';
import { seededRandom } from '../../src/testing/seeded-random.ts';
import { SteadyLoad } from './steady-load.ts';
import { pause } from './time.ts';

export interface WriterStart {
  readonly servers: readonly { readonly id: string; readonly address: string }[];
  readonly journal: string;
  readonly ids: readonly string[];
  readonly writesPerSecond: number;
  readonly seed: number;
}

/** What it tells its parent. */
export type WriterNews =
  | { readonly kind: 'write'; readonly call: number; readonly id: string }
  /** The invalidation is over. */
  | { readonly kind: 'done'; readonly call: number; readonly confirmed: boolean }
  | { readonly kind: 'error'; readonly text: string }
  | { readonly kind: 'state'; readonly state: WriterState };

export interface WriterState {
  /** Keys with a record. */
  readonly pending: number;
  readonly journalBytes: number;
  readonly fileBytes: number;
  readonly lost: number;
  readonly repaired: number;
  readonly fenced: number;
  readonly dropped: number;
  /** Memory of the process, in bytes. */
  readonly resident: number;
}

/** What its parent tells it: the write is made, or no more are wanted. */
export type WriterOrder = { readonly kind: 'written'; readonly call: number } | { readonly kind: 'stop' };

function main(start: WriterStart): void {
  const remote = memcached({ servers: start.servers, timeout: '50ms', journal: { path: start.journal } });
  const shop = cistern({ name: 'chaos', near: false, remote });
  const rows = shop.define<string, number>('row', {
    load: () => Promise.reject(new Error('the writer reads nothing')),
    ttl: '10m',
    near: false,
  });
  const random = seededRandom(start.seed);
  const waiting = new Map<number, () => void>();
  let calls = 0;
  const write = async (id: string): Promise<void> => {
    const call = ++calls;
    try {
      const { confirmed } = await rows.mutate(id, async () => {
        await new Promise<void>((resolve) => {
          waiting.set(call, resolve);
          tell({ kind: 'write', call, id });
        });
        waiting.delete(call);
      });
      tell({ kind: 'done', call, confirmed });
    } catch (error) {
      tell({ kind: 'error', text: String(error) });
    }
  };
  const load = new SteadyLoad(start.writesPerSecond, () => {
    void write(start.ids[Math.floor(random() * start.ids.length)]!);
  });
  if (start.writesPerSecond > 0) load.start();
  process.on('message', (order: WriterOrder) => {
    if (order.kind === 'stop') load.stop();
    else waiting.get(order.call)?.();
  });
  const tellState = (): void => {
    const { pending, bytes, file, lost, repaired, fenced, dropped } = remote.journal()!;
    tell({
      kind: 'state',
      state: {
        pending,
        journalBytes: bytes,
        fileBytes: file?.bytes ?? 0,
        lost,
        repaired,
        fenced,
        dropped,
        resident: process.memoryUsage.rss(),
      },
    });
  };
  // The servers have answered, so the journal was read before.
  void allReached(remote, start.ids).then(() => setInterval(tellState, 100));
}

/** Waits until every server has answered something. */
async function allReached(remote: MemcachedStore, ids: readonly string[]): Promise<void> {
  for (const key of ids.slice(0, 50))
    while ((await remote.execute({ kind: 'get', key, deadline: Infinity })).kind === 'failed')
      await pause(20);
}

function tell(news: WriterNews): void {
  process.send?.(news);
}

const [, , given] = process.argv;
if (process.send !== undefined && given !== undefined) main(JSON.parse(given) as WriterStart);
