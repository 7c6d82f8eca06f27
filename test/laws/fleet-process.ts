/**
 * One process of a fleet, for tests that kill some: `fork` it with the address of a memcached and what its loader does (`hang`
 * or a value). It reads `a` whenever it is told to, and tells its parent what happens.
 */
import { cistern, type Store } from '../../src/index.ts';
import { memcached } from '../../src/memcached.ts';

/** What a process tells its parent. */
export interface News {
  readonly kind: 'ready' | 'lease' | 'loading' | 'value' | 'error';
  /** The lease's key, and the value or the error. */
  readonly text: string;
  /** The lease's CAS. */
  readonly cas?: string;
  readonly milliseconds?: number;
}

/** How long a load may take, and so a lease: one second more. */
export const loadTimeout = 2000;

function tell(news: News): void {
  process.send?.(news);
}

function main(address: string, behaviour: string): void {
  const leaf = memcached({ servers: [address], timeout: '5s' });
  const store: Store = {
    name: leaf.name,
    parts: [leaf],
    async execute(operation) {
      const reply = await leaf.execute(operation);
      if (operation.kind === 'get' && reply.kind === 'miss' && reply.lease === 'won')
        tell({ kind: 'lease', text: operation.key, cas: reply.cas });
      return reply;
    },
    close: async () => await leaf.close(),
  };
  const shop = cistern({ name: 'fleet', remote: store, remoteTimeout: '5s' });
  const users = shop.define<string, string>('user', {
    load: async () => {
      tell({ kind: 'loading', text: behaviour });
      if (behaviour === 'hang') await new Promise(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 100));
      return behaviour;
    },
    ttl: '5m',
    loadTimeout,
    deadline: '30s',
  });
  process.on('message', () => {
    const started = performance.now();
    const took = (): number => performance.now() - started;
    users.get('a').then(
      (text) => tell({ kind: 'value', text, milliseconds: took() }),
      (error: unknown) => tell({ kind: 'error', text: String(error), milliseconds: took() }),
    );
  });
  tell({ kind: 'ready', text: '' });
}

const [, , address, behaviour] = process.argv;
if (process.send !== undefined && address !== undefined && behaviour !== undefined) main(address, behaviour);
