import type { Reply } from 'cistern';
import { memcached } from 'cistern/memcached';
import { type Address, lifetime, type RemoteClient } from './adapter.ts';

/** How long an operation is waited for, in milliseconds. */
const patience = 5000;

/** The leaf alone: a `Store` of one server, bytes in and out. `text`: turned from and into strings, as other clients do. */
export async function openRemoteClient(
  address: Address,
  parameters: Record<string, unknown>,
): Promise<RemoteClient> {
  const store = memcached({ servers: [`${address.host}:${address.port}`], timeout: patience });
  const text = parameters['text'] === true;
  const life = { freshFor: lifetime, staleFor: 0 };

  function valueOf(reply: Reply): string | Uint8Array | undefined {
    if (reply.kind === 'failed') throw reply.error;
    if (reply.kind !== 'hit') return undefined;
    return text ? asText(reply.value) : reply.value;
  }

  return {
    async get(key) {
      return valueOf(await store.execute({ kind: 'get', key, deadline: performance.now() + patience }));
    },
    /** As many operations as there are keys, in one turn: the leaf sends them together. */
    async getMany(keys) {
      const deadline = performance.now() + patience;
      const replies = await Promise.all(keys.map((key) => store.execute({ kind: 'get', key, deadline })));
      return replies.map(valueOf);
    },
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
    close: () => store.close(),
  };
}

function asText(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString();
}
