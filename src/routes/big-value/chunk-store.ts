import { crc32 } from '../../core/runtime.ts';
import {
  type FailedReply,
  type GetOperation,
  type Life,
  longestLife,
  type Operation,
  type SetOperation,
  type Store,
} from '../../core/store.ts';
import type { ChunkList } from './value-index.ts';

/** Chunks live a little longer than their index, which is written after them. Milliseconds. */
const margin = 10_000;

/** Where an operation goes, and until when. */
type Address = Pick<Operation, 'key' | 'routingKey' | 'copy' | 'deadline'>;

/** The chunks of values: entries of their own, `<key>::<token>:<number>`, which only an index leads to. */
export class ChunkStore {
  readonly #store: Store;
  readonly #bytes: number;

  constructor(store: Store, bytes: number) {
    this.#store = store;
    this.#bytes = bytes;
  }

  /** What the index of a value will say. */
  listOf(value: Uint8Array, token: string): ChunkList {
    const count = Math.ceil(value.length / this.#bytes);
    return { token, count, length: value.length, checksum: crc32(value) };
  }

  /** `undefined` when all are stored; else why not. */
  async write(operation: SetOperation, list: ChunkList): Promise<FailedReply | undefined> {
    const { value, life } = operation;
    const replies = await Promise.all(
      this.#each(list, (number) =>
        this.#store.execute({
          kind: 'set',
          mode: 'set',
          ...addressOf(operation, list, number),
          value: value.subarray(number * this.#bytes, (number + 1) * this.#bytes),
          flags: 0,
          life: chunkLife(life),
        }),
      ),
    );
    return replies.find((reply): reply is FailedReply => reply.kind === 'failed');
  }

  /** The value; `undefined` when a chunk is missing or damaged; a failure when one could not be read. */
  async read(operation: GetOperation, list: ChunkList): Promise<Uint8Array | FailedReply | undefined> {
    const replies = await Promise.all(
      this.#each(list, (number) => {
        const { touch } = operation;
        const get = { kind: 'get' as const, ...addressOf(operation, list, number) };
        return this.#store.execute(touch === undefined ? get : { ...get, touch: chunkLife(touch) });
      }),
    );
    const failed = replies.find((reply): reply is FailedReply => reply.kind === 'failed');
    if (failed !== undefined) return failed;
    const value = new Uint8Array(list.length);
    let at = 0;
    for (const reply of replies) {
      if (reply.kind !== 'hit' || at + reply.value.length > list.length) return undefined;
      value.set(reply.value, at);
      at += reply.value.length;
    }
    return at === list.length && crc32(value) === list.checksum ? value : undefined;
  }

  /** Nobody waits for that: what is left over ends with its life. */
  remove(address: Address, list: ChunkList): void {
    for (let number = 0; number < list.count; number++)
      void this.#store.execute({ kind: 'delete', ...addressOf(address, list, number) });
  }

  async touch(address: Address, list: ChunkList, life: Life): Promise<void> {
    await Promise.all(
      this.#each(list, (number) =>
        this.#store.execute({ kind: 'touch', ...addressOf(address, list, number), life: chunkLife(life) }),
      ),
    );
  }

  #each<T>(list: ChunkList, make: (number: number) => T): T[] {
    return Array.from({ length: list.count }, (_, number) => make(number));
  }
}

/** Chunks lie on servers of their own, unless a routing key holds them together. */
function addressOf(
  { key, routingKey, copy, deadline }: Address,
  { token }: ChunkList,
  number: number,
): Address {
  return {
    key: `${key}::${token}:${number}`,
    deadline,
    ...(routingKey === undefined ? undefined : { routingKey }),
    ...(copy === undefined ? undefined : { copy }),
  };
}

function chunkLife({ freshFor, staleFor }: Life): Life {
  return { freshFor: Math.min(freshFor + staleFor + margin, longestLife), staleFor: 0 };
}
