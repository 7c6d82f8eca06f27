import type { Operation, Reply, Store } from '../../src/index.ts';

/** Short words for operations, for the examples about stores. Each answers the value, or what the store says. */

async function ask(store: Store, operation: Operation): Promise<Reply> {
  return await store.execute(operation);
}

function said(reply: Reply): string {
  return reply.kind === 'hit' ? new TextDecoder().decode(reply.value) : reply.kind;
}

export async function get(store: Store, key: string): Promise<string> {
  return said(await ask(store, { kind: 'get', key, deadline: Infinity }));
}

export async function set(store: Store, key: string, text: string): Promise<string> {
  return said(await ask(store, written(key, text)));
}

export async function remove(store: Store, key: string): Promise<string> {
  return said(await ask(store, { kind: 'delete', key, deadline: Infinity }));
}

/** As a cache does after a miss: takes the lease, and fills by it. Answers what was there, or what became of the fill. */
export async function fill(store: Store, key: string, text: string): Promise<string> {
  const reply = await ask(store, { kind: 'get', key, lease: 10_000, deadline: Infinity });
  if (reply.kind !== 'miss') return said(reply);
  return said(await ask(store, { ...written(key, text), cas: reply.cas }));
}

function written(key: string, text: string): Extract<Operation, { kind: 'set' }> {
  const value = new TextEncoder().encode(text);
  const life = { freshFor: 60_000, staleFor: 0 };
  return { kind: 'set', mode: 'set', key, value, flags: 0, life, deadline: Infinity };
}
