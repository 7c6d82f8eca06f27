import { asError, CisternError } from '../../core/error.ts';
import type { KeyPart } from '../../core/key.ts';
import type { OpenFile } from '../../core/runtime.ts';
import { decodeEntry, type EntryContent, type EntryFormat } from '../codec/envelope.ts';
import { structured } from '../codec/structured-codec.ts';
import type { EntryTimes } from '../near/entry-slab.ts';
import type { NearIndex } from '../near/near-index.ts';
import { notFound } from '../not-found.ts';
import { beginOf, entriesOf, type SavedEntry } from './entry-block.ts';
import type { StandardSchema } from '../standard-schema.ts';
import { formatOf, generationOf, type SnapshotCache, type SnapshotOwner, stepKey } from './snapshot-cache.ts';
import { SnapshotFile } from './snapshot-file.ts';
import { kinds, never, type SavedCache, unusable } from './snapshot-layout.ts';
import { Turns } from './turns.ts';

/** What became of a restore. */
export interface RestoredNear {
  /** Whether there was a file. */
  readonly found: boolean;
  /** Entries that were put into the near tier. */
  readonly restored: number;
  /** Entries whose life has ended meanwhile. */
  readonly expired: number;
  /** Entries that were not wanted: of unknown caches, or of one that was cleared meanwhile; filled or invalidated since the restore began; refused by the `value` schema or a limit; without room; of no use without a stale span, as a remote tier has to confirm them. */
  readonly skipped: number;
  /** Caches in the file that are not defined here, with this version and kind of key. */
  readonly unknown: readonly string[];
}

/**
 * Brings back what a snapshot has, while the tier is in use. First the whole file is read and checked, and nothing of it is kept unless all of it is
 * right. Then come the entries that nobody had asked for, as far as there is room for them beside the others, and last those that somebody
 * had, each of which counts as asked for: so they are what a smaller tier keeps, whatever its policy.
 *
 * Nothing lives longer than it would have without the restart, as far as the wall clock tells how long that took; where it went backwards the
 * restart took no time, so that an entry has at most the life that was left when it was saved. With a remote tier an entry that was restored is
 * not confirmed: it is what is answered when neither that tier nor the source can answer, within the stale spans.
 */
export async function restoreNear(owner: SnapshotOwner, path: string): Promise<RestoredNear> {
  const watched = [...owner.caches.values()].map(({ keeper }) => keeper.touched);
  // Before anything is waited for: what happens to a key from now on is newer than the file.
  for (const touched of watched) touched.watch();
  const { clock, files } = owner.runtime;
  const begun = { read: clock.read(), wall: clock.wall() };
  let file: OpenFile | undefined;
  try {
    file = await files.open(path);
    if (file === undefined) return { found: false, restored: 0, expired: 0, skipped: 0, unknown: [] };
    const snapshot = await SnapshotFile.checked(path, file);
    const { shop } = snapshot.end;
    if (shop !== owner.name) throw unusable(path, `was saved by '${shop}', and this is '${owner.name}'`);
    return await new Restore(owner, snapshot, begun).run();
  } catch (error) {
    if (error instanceof CisternError) throw error;
    throw unusable(path, `cannot be read: ${asError(error).message}`, error);
  } finally {
    for (const touched of watched) touched.unwatch();
    await file?.close().catch(() => undefined);
  }
}

/** A cache of the file that is defined here, too. */
interface Matched {
  readonly cache: SnapshotCache;
  readonly near: NearIndex;
  readonly format: EntryFormat;
}

class Restore {
  readonly #owner: SnapshotOwner;
  readonly #snapshot: SnapshotFile;
  readonly #turns: Turns;
  /** When the restore began, and when the save ended, on the monotonic clock of now. */
  readonly #begun: number;
  readonly #ended: number;
  /** By their place in the file. */
  #matched: readonly (Matched | undefined)[] = [];
  #restored = 0;
  #expired = 0;
  #skipped = 0;

  constructor(
    owner: SnapshotOwner,
    snapshot: SnapshotFile,
    begun: { readonly read: number; readonly wall: number },
  ) {
    this.#owner = owner;
    this.#snapshot = snapshot;
    this.#turns = new Turns(owner.runtime);
    this.#begun = begun.read;
    this.#ended = begun.read - Math.max(0, begun.wall - snapshot.end.endedAt);
  }

  async run(): Promise<RestoredNear> {
    const { caches } = this.#snapshot.end;
    // Another generation, and all that the file has of a cache was cleared.
    await this.#owner.record?.current();
    this.#matched = caches.map((saved) => this.#match(saved));
    for (const kind of [kinds.cold, kinds.hot]) {
      for await (const content of this.#snapshot.contents(kind)) {
        this.#turns.begin();
        await this.#restoreBlock(content, kind === kinds.hot);
      }
    }
    return {
      found: true,
      restored: this.#restored,
      expired: this.#expired,
      skipped: this.#skipped,
      unknown: caches.filter((saved) => this.#defined(saved) === undefined).map(({ name }) => name),
    };
  }

  #defined({ name, version, keyed }: SavedCache): SnapshotCache | undefined {
    const cache = this.#owner.caches.get(name);
    return cache?.settings.version === version && cache.keyed === keyed ? cache : undefined;
  }

  #match(saved: SavedCache): Matched | undefined {
    const cache = this.#defined(saved);
    const near = cache?.keeper.near;
    if (cache === undefined || near === undefined || !cache.settings.near) return undefined;
    const generation = generationOf(this.#owner, cache);
    let cleared = false;
    if (saved.generation !== undefined && cache.settings.remote) {
      if (generation === undefined) this.#owner.record?.presume(saved.name, saved.generation);
      else cleared = generation !== saved.generation;
    }
    return cleared ? undefined : { cache, near, format: formatOf(this.#owner, saved.name) };
  }

  async #restoreBlock(content: Buffer, hot: boolean): Promise<void> {
    const turns = this.#turns;
    // Never in the future, whatever the file says: no entry may be loaded there.
    const base = Math.min(this.#begun, this.#ended - (this.#snapshot.end.took - beginOf(content)));
    for (const entry of entriesOf(content)) {
      if (this.#owner.near.closed)
        throw new CisternError('CISTERN_CLOSED', { what: `Cistern '${this.#owner.name}'` });
      const waiting = this.#restore(entry, base, hot);
      if (waiting !== undefined) await waiting;
      if (turns.over) await turns.next();
    }
  }

  /** A promise where there is a schema to ask. */
  #restore(entry: SavedEntry, base: number, hot: boolean): Promise<void> | undefined {
    const matched = this.#matched[entry.cache];
    if (matched === undefined || (!hot && this.#full)) return this.#skip();
    let key: KeyPart;
    let content: EntryContent;
    try {
      key = structured.decode(entry.key) as KeyPart;
      if (!wanted(matched, key)) return this.#skip();
      content = decodeEntry(entry.value, stepKey(this.#owner, matched.cache, key), matched.format);
    } catch {
      // The steps are others now, or the codec refuses it: a miss, as it would be in the remote tier.
      return this.#skip();
    }
    const times = this.#times(entry, base, content, matched.cache);
    // A file that was written wrongly has right checksums, too.
    if (!Object.values(times).every((time) => time > Number.NEGATIVE_INFINITY)) return this.#skip();
    if (!Number.isFinite(times.loadedAt) || !Number.isFinite(times.freshUntil)) return this.#skip();
    const { now } = this.#turns;
    const { remote } = matched.cache.settings;
    if (now >= Math.max(times.freshUntil, times.staleUntil)) return this.#expire();
    // What has to be confirmed and has no stale span would never be answered.
    if (now >= times.confirmedUntil && content.life.staleFor === 0)
      return remote ? this.#skip() : this.#expire();
    const { schema } = matched.cache.settings;
    if (content.negative || schema === undefined) {
      return this.#keep(matched, key, content.negative ? notFound : content.value, times, hot);
    }
    return this.#checked(schema, content.value).then((valid) => {
      if (valid === undefined) this.#skip();
      else this.#keep(matched, key, valid.value, times, hot);
    });
  }

  #times(entry: SavedEntry, base: number, content: EntryContent, { settings }: SnapshotCache): EntryTimes {
    const loadedAt = base - entry.age;
    const freshUntil = loadedAt + content.life.freshFor;
    const confirmed = entry.confirmed === never ? Number.POSITIVE_INFINITY : base + entry.confirmed;
    const confirmedUntil = settings.remote ? this.#begun : Math.min(confirmed, loadedAt + settings.nearTtl);
    return {
      loadedAt,
      freshUntil,
      staleUntil: freshUntil + content.life.staleFor,
      confirmedUntil,
      until: Math.min(base + entry.due, freshUntil, confirmedUntil),
    };
  }

  async #checked(schema: StandardSchema, value: unknown): Promise<{ readonly value: unknown } | undefined> {
    try {
      const result = await schema['~standard'].validate(value);
      return result.issues === undefined ? { value: result.value } : undefined;
    } catch {
      return undefined;
    }
  }

  #keep(matched: Matched, key: KeyPart, value: unknown, times: EntryTimes, hot: boolean): undefined {
    const { near } = matched;
    const admitted = matched.cache.keeper.admit(value);
    // The schema may have taken its time.
    if (admitted.refused !== undefined || !wanted(matched, key)) return this.#skip();
    const nature = { ...times, negative: value === notFound, copied: admitted.copied };
    const slot = near.put(key, admitted.value, admitted.bytes, nature, this.#owner.runtime.clock.read());
    if (slot < 0) return this.#skip();
    if (hot) near.recall(slot);
    this.#restored++;
  }

  /** Whether there is no room but for the hot entries that are still to come: one that nobody asked for must not push out anything. */
  get #full(): boolean {
    const { tier } = this.#owner.near;
    const { hot } = this.#snapshot.end;
    return tier.bytes >= tier.maxBytes - hot.bytes || tier.resident >= tier.maxEntries - hot.entries;
  }

  #skip(): undefined {
    this.#skipped++;
  }

  #expire(): undefined {
    this.#expired++;
  }
}

/** Whether nothing newer is known of the key: neither an entry, nor that one was filled or invalidated since the restore began. */
function wanted({ cache, near }: Matched, key: KeyPart): boolean {
  return near.look(key) < 0 && !cache.keeper.touched.has(key);
}
