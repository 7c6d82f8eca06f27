import { tell } from '../core/events.ts';
import type { Runtime, Timer } from '../core/runtime.ts';
import { type GetOperation, longestLife, type Reply, type SetOperation } from '../core/store.ts';
import type { GuardedStore } from './guarded-store.ts';

interface Content {
  /** Random, made when the record is: a server that lost its memory has another one, so nothing old can be reached. */
  readonly incarnation: string;
  /** Per cache, random too: a cleared cache has another one. */
  readonly generations: Readonly<Record<string, string>>;
}

const life = { freshFor: longestLife, staleFor: 0 };
const attempts = 5;

/**
 * The small record that the remote tier holds for all processes: its incarnation, and a generation per cache. Both stand
 * in every key, so changing one makes all older entries unreachable at once: that is `clear()`, in O(1).
 *
 * It is read before the first use and then every `poll` milliseconds, together with a read that goes there anyway; while
 * the near tier answers alone, by a timer. When it is missing it is made anew with a random incarnation: the tier is then
 * cold, never stale.
 */
export class ServerRecord {
  readonly #store: GuardedStore;
  readonly #runtime: Runtime;
  readonly #poll: number;
  readonly #key: string;
  readonly #changed: (before: (cache: string) => string) => void;
  #content: Content | undefined;
  /** When what is known was asked for: it may be as old as that. */
  #readAt = Number.NEGATIVE_INFINITY;
  /** Questions and changes are numbered: a late answer must not undo what was learnt after it was asked for. */
  #last = 0;
  #known = 0;
  #reading: Promise<boolean> | undefined;
  #rechecking: Promise<boolean> | undefined;
  #watchUntil = 0;
  #timer: Timer | undefined;
  #closed = false;
  /** By cache: what the near tier's entries came from, where that was another process. */
  readonly #presumed = new Map<string, string>();

  /** `changed` is told when another process, or a restart of the server, changed generations. */
  constructor(
    store: GuardedStore,
    name: string,
    runtime: Runtime,
    poll: number,
    changed: (before: (cache: string) => string) => void,
  ) {
    this.#store = store;
    this.#runtime = runtime;
    this.#poll = poll;
    this.#key = `${name}:~record`;
    this.#changed = changed;
  }

  /** What stands in the keys of a cache; `undefined` while the record could not be read. */
  generation(cache: string): string | undefined {
    return this.#content === undefined ? undefined : generationOf(this.#content, cache);
  }

  /** A promise to wait for when the record is unknown or older than the poll period (one read for all): false when it could not be read. `undefined` when it is current. */
  current(): Promise<boolean> | undefined {
    if (this.#runtime.clock.read() - this.#readAt < this.#poll) return undefined;
    return (this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    }));
  }

  /**
   * For changes: the record as it is from now on (one read per turn). A change under a generation that another process has
   * just ended would be confirmed and yet reach nothing. False: it could not be read.
   */
  recheck(): Promise<boolean> {
    if (this.#rechecking === undefined) {
      this.#rechecking = this.#read();
      this.#runtime.defer(() => (this.#rechecking = undefined));
    }
    return this.#rechecking;
  }

  /** Keeps reading until then, though no other read goes there: near entries of this time depend on it. */
  watch(until: number): void {
    if (until <= this.#watchUntil) return;
    this.#watchUntil = until;
    if (this.#timer === undefined) this.#watchOn();
  }

  /** The near tier has entries of a cache from a former life, and the record is not known yet: another generation in it is a change. */
  presume(cache: string, generation: string): void {
    this.#presumed.set(cache, generation);
  }

  /** Gives a cache a new generation. False: not confirmed. */
  async clear(cache: string): Promise<boolean> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const asked = this.#runtime.clock.read();
      const reply = await this.#get();
      if (reply.kind !== 'hit' && reply.kind !== 'miss') return false;
      const found = reply.kind === 'hit' ? parse(reply.value) : undefined;
      const content: Content = {
        incarnation: found?.incarnation ?? this.#runtime.randomId(),
        generations: { ...found?.generations, [cache]: this.#runtime.randomId() },
      };
      const written = await this.#set(content, reply);
      if (written.kind === 'stored') {
        this.#adopt(content, asked, ++this.#last);
        return true;
      }
      if (written.kind === 'failed') return false;
    }
    return false;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  readonly #tick = (): void => {
    this.#timer = undefined;
    void this.current();
    this.#watchOn();
  };

  /** The next look is due one poll period after the last one, whoever made that: a fixed rhythm would let two periods pass. */
  #watchOn(): void {
    const now = this.#runtime.clock.read();
    if (this.#closed || now >= this.#watchUntil) return;
    const due = this.#readAt + this.#poll - now;
    this.#timer = this.#runtime.after(due > 0 ? due : this.#poll, this.#tick, false);
  }

  async #read(): Promise<boolean> {
    let made = false;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const asked = this.#runtime.clock.read();
      const number = ++this.#last;
      const reply = await this.#get();
      if (reply.kind === 'failed') return false;
      const found = reply.kind === 'hit' ? parse(reply.value) : undefined;
      if (found !== undefined) {
        this.#adopt(found, asked, number);
        return true;
      }
      // A store that keeps nothing would have another incarnation each time.
      if (made) return false;
      const written = await this.#set({ incarnation: this.#runtime.randomId(), generations: {} }, reply);
      if (written.kind === 'failed') return false;
      // Read back in the next round: what counts is what the store has.
      made = written.kind === 'stored';
    }
    return false;
  }

  #get(): Promise<Reply> {
    const operation: Omit<GetOperation, 'deadline'> = { kind: 'get', key: this.#key, touch: life };
    return this.#store.execute({ ...operation, deadline: this.#store.deadline() });
  }

  /** Over what was read: by its CAS where there is one, so that of two writers one repeats. */
  #set(content: Content, over: Reply): Promise<Reply> {
    const cas = over.kind === 'hit' || over.kind === 'miss' ? over.cas : '';
    const operation: Omit<SetOperation, 'deadline'> = {
      kind: 'set',
      key: this.#key,
      mode: over.kind === 'hit' || cas !== '' ? 'set' : 'add',
      value: new TextEncoder().encode(JSON.stringify(content)),
      flags: 0,
      life,
      ...(cas === '' ? undefined : { cas }),
    };
    return this.#store.execute({ ...operation, deadline: this.#store.deadline() });
  }

  #adopt(content: Content, asked: number, number: number): void {
    if (number < this.#known) return;
    this.#known = number;
    const before = this.#content;
    this.#content = content;
    this.#readAt = asked;
    if (before === undefined ? this.#presumed.size === 0 : JSON.stringify(before) === JSON.stringify(content))
      return;
    try {
      this.#changed((cache) =>
        before === undefined
          ? (this.#presumed.get(cache) ?? generationOf(content, cache))
          : generationOf(before, cache),
      );
    } catch (error) {
      tell('background-failed', { cache: this.#key, error });
    }
  }
}

function generationOf(content: Content, cache: string): string {
  return `${content.incarnation}.${Object.hasOwn(content.generations, cache) ? content.generations[cache]! : '0'}`;
}

const token = /^[A-Za-z0-9_-]{1,16}$/;

/** `undefined` for anything that is no record: it is then replaced. */
function parse(bytes: Uint8Array): Content | undefined {
  try {
    const found = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Content> | null;
    const { incarnation, generations } = found ?? {};
    if (typeof incarnation !== 'string' || !token.test(incarnation)) return undefined;
    if (typeof generations !== 'object' || generations === null) return undefined;
    if (!Object.values(generations).every((each) => typeof each === 'string' && token.test(each)))
      return undefined;
    return { incarnation, generations };
  } catch {
    return undefined;
  }
}
