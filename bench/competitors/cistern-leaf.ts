import { memcached } from 'cistern/memcached';
import { type Address, lifetime, type RemoteClient } from './adapter.ts';

/** How long an operation is waited for, in milliseconds. */
const patience = 5000;

/** The leaf alone: a `Store` of one server, bytes in and out. `text`: turned from and into strings, as other clients do. */
export async function openRemoteClient(
  address: Address,
  parameters: Record<string, unknown>,
): Promise<RemoteClient> {
  const store = memcached({ server: `${address.host}:${address.port}`, timeout: patience });
  const text = parameters['text'] === true;
  const life = { freshFor: lifetime, staleFor: 0 };

  async function get(key: string): Promise<string | Uint8Array | undefined> {
    const reply = await store.execute({ kind: 'get', key, deadline: performance.now() + patience });
    if (reply.kind === 'failed') throw reply.error;
    if (reply.kind !== 'hit') return undefined;
    return text ? asText(reply.value) : reply.value;
  }

  return {
    get,
    async set(key, value) {
      const reply = await store.execute({
        kind: 'set',
        mode: 'set',
        key,
        value: text ? Buffer.from(value.text) : value.bytes,
        flags: 0,
        life,
        deadline: performance.now() + patience,
      });
      if (reply.kind === 'failed') throw reply.error;
      if (reply.kind !== 'stored') throw new Error(`set answered ${reply.kind}`);
    },
    getMany: (keys) => Promise.all(keys.map(get)),
    close: () => store.close(),
  };
}

function asText(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString();
}
