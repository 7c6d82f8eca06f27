import { asError, CisternError } from '../../core/error.ts';
import type { FileDraft } from '../../core/runtime.ts';
import { encodeEntry, type EntryFormat } from '../codec/envelope.ts';
import { structured } from '../codec/structured-codec.ts';
import { flags } from '../near/entry-slab.ts';
import type { NearIndex } from '../near/near-index.ts';
import { EntryBlock } from './entry-block.ts';
import { formatOf, generationOf, type SnapshotCache, type SnapshotOwner, stepKey } from './snapshot-cache.ts';
import { encodeEnd, headerBytes, kinds, never, type SavedCache, unusable } from './snapshot-layout.ts';
import { SnapshotWriter } from './snapshot-writer.ts';
import { Turns } from './turns.ts';

/** What became of a save. */
export interface SavedNear {
  /** Entries in the file. */
  readonly saved: number;
  /** Entries that cannot be written: instances of classes, and what a codec step refuses. */
  readonly skipped: number;
  /** The size of the file; 0: there is no near tier, and no file was written. */
  readonly bytes: number;
}

/**
 * Saves the near tier to a file, while it is in use. Memory: a few blocks of 64 kB, and the largest value. Rejects with
 * `CISTERN_SNAPSHOT` when the file cannot be written and `CISTERN_CLOSED` when the tier is closed meanwhile; what was in the file
 * is still there then.
 */
export async function saveNear(owner: SnapshotOwner, path: string): Promise<SavedNear> {
  let draft: FileDraft | undefined;
  try {
    draft = await owner.runtime.files.draft(path);
    const saved = await new Save(owner, draft).run();
    await draft.commit();
    return saved;
  } catch (error) {
    if (error instanceof CisternError) throw error;
    throw unusable(path, `cannot be written: ${asError(error).message}`, error);
  } finally {
    await draft?.discard();
  }
}

/** How old a block in the making becomes at most, in milliseconds: what is loaded after its beginning counts as loaded then, and so lives shorter. */
const oldestBlock = 1000;

/** A cache with its place in the file's list. */
interface Numbered {
  readonly number: number;
  readonly cache: SnapshotCache;
  readonly format: EntryFormat;
}

class Save {
  readonly #owner: SnapshotOwner;
  readonly #writer: SnapshotWriter;
  readonly #turns: Turns;
  readonly #started: number;
  readonly #cold = new EntryBlock(kinds.cold);
  readonly #hot = new EntryBlock(kinds.hot);
  readonly #numbered = new Map<NearIndex, Numbered>();
  readonly #caches: SavedCache[] = [];
  #saved = 0;
  #hotEntries = 0;
  #hotBytes = 0;
  #skipped = 0;

  constructor(owner: SnapshotOwner, draft: FileDraft) {
    this.#owner = owner;
    this.#writer = new SnapshotWriter(draft);
    this.#turns = new Turns(owner.runtime);
    this.#started = this.#turns.now;
  }

  async run(): Promise<SavedNear> {
    const { near, runtime, name } = this.#owner;
    const turns = this.#turns;
    await this.#writer.begin();
    turns.begin();
    for (let slot = 0; slot < near.tier.slots; slot++) {
      const index = near.tier.indexAt(slot);
      if (index === undefined) {
        // A slot without an entry costs next to nothing.
        if ((slot & 255) !== 0) continue;
      } else {
        const block = this.#add(slot, index);
        if (block?.full === true) await this.#write(block);
      }
      if (!turns.over) continue;
      await turns.next();
      for (const block of [this.#cold, this.#hot])
        if (!block.empty && turns.now - block.begun > oldestBlock) await this.#write(block);
    }
    for (const block of [this.#cold, this.#hot]) if (!block.empty) await this.#write(block);
    this.#requireOpen();
    const end = encodeEnd({
      shop: name,
      endedAt: runtime.clock.wall(),
      took: runtime.clock.read() - this.#started,
      hot: { entries: this.#hotEntries, bytes: this.#hotBytes },
      caches: this.#caches,
    });
    await this.#writer.block(kinds.end, Buffer.concat([Buffer.alloc(headerBytes), end]));
    return { saved: this.#saved, skipped: this.#skipped, bytes: this.#writer.bytes };
  }

  /** The block that the entry is in now; `undefined` if it is in none. */
  #add(slot: number, index: NearIndex): EntryBlock | undefined {
    const { slab } = index;
    const { now } = this.#turns;
    const times = slab.times(slot);
    if (now >= Math.max(times.freshUntil, times.staleUntil)) return undefined;
    const { number, cache, format } = this.#numbered.get(index) ?? this.#number(index);
    // A hot key's, which is kept for a moment.
    if (!cache.settings.near) return undefined;
    const key = slab.keyOf(slot);
    let value: Uint8Array;
    try {
      value = encodeEntry(
        {
          negative: slab.has(slot, flags.negative),
          value: slab.valueOf(slot),
          life: {
            freshFor: times.freshUntil - times.loadedAt,
            staleFor: times.staleUntil - times.freshUntil,
          },
          loadMilliseconds: 0,
        },
        stepKey(this.#owner, cache, key),
        format,
      );
    } catch {
      this.#skipped++;
      return undefined;
    }
    const block = slab.has(slot, flags.hot) ? this.#hot : this.#cold;
    if (block.empty) block.begin(now, now - this.#started);
    const { begun } = block;
    block.add({
      cache: number,
      age: whole(Math.ceil(begun - times.loadedAt)),
      due: whole(times.until - begun),
      confirmed:
        times.confirmedUntil === Number.POSITIVE_INFINITY ? never : whole(times.confirmedUntil - begun),
      key: structured.encode(key),
      value,
    });
    this.#saved++;
    if (block === this.#hot) {
      this.#hotEntries++;
      this.#hotBytes += slab.weightOf(slot);
    }
    return block;
  }

  #number(index: NearIndex): Numbered {
    const cache = this.#owner.caches.get(index.name)!;
    const { name, version } = cache.settings;
    const numbered = { number: this.#caches.length, cache, format: formatOf(this.#owner, name) };
    this.#numbered.set(index, numbered);
    this.#caches.push({ name, version, keyed: cache.keyed, generation: generationOf(this.#owner, cache) });
    return numbered;
  }

  async #write(block: EntryBlock): Promise<void> {
    await this.#writer.block(block.kind, block.take());
    this.#turns.begin();
    this.#requireOpen();
  }

  #requireOpen(): void {
    const { near, name } = this.#owner;
    if (near.closed) throw new CisternError('CISTERN_CLOSED', { what: `Cistern '${name}'` });
  }
}

/** A length of time as 32 bits can tell it, rounded down. */
function whole(milliseconds: number): number {
  return Math.min(Math.max(0, Math.floor(milliseconds)), never - 1);
}
