import { tell } from '../../core/events.ts';
import type { Runtime, Timer } from '../../core/runtime.ts';
import type { GuardedStore } from '../guarded-store.ts';
import { type CopyAnswer, RecordCopies } from './record-copies.ts';
import {
  cleared,
  joinedContent,
  nameOf,
  type RecordContent,
  renewed,
  sameContent,
} from './record-content.ts';

/** How long a read waits: until most copies have answered and one of them with a record, or until all have. */
type Patience = 'most' | 'all';

/**
 * The small record that the remote tier holds for all processes: its incarnation, and a generation per cache. Both stand
 * in every key, so changing one makes all older entries unreachable at once: that is `clear()`, in O(1).
 *
 * Where there are several servers it is kept in three copies. All are read in one turn, and what they say is joined, with what this
 * process knows already; one answer is enough. A copy that lacks something is brought up to date by whoever notices. When all
 * are missing the record is made anew with a random incarnation: the tier is then cold, never stale.
 *
 * **The law.** A `clear` is confirmed when every copy has it. What a copy has, it has until it is lost, and who reads one copy has
 * all that it has; so whatever copies are lost afterwards, in one combination or another, nobody who asks later goes by a
 * generation from before. A copy that was out of reach during a clear makes it unconfirmed. When it comes back with what it had, it
 * is joined, not believed: marks of the two that do not know of each other become a third, under which nothing has been stored yet.
 *
 * It is read before the first use and then every `poll` milliseconds, together with a read that goes there anyway; while
 * the near tier answers alone, by a timer.
 */
export class ServerRecord {
  readonly #copies: RecordCopies;
  readonly #runtime: Runtime;
  readonly #poll: number;
  readonly #key: string;
  readonly #changed: (before: (cache: string) => string) => void;
  #content: RecordContent | undefined;
  /** When what is known was asked for: it may be as old as that. */
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<boolean> | undefined;
  #rechecking: Promise<boolean> | undefined;
  #watchUntil = 0;
  #timer: Timer | undefined;
  #closed = false;
  /** Copies that are being brought up to date. */
  readonly #bringing = new Map<number, Promise<boolean>>();
  /** Caches that were cleared before the record was known. */
  readonly #owed = new Set<string>();
  /** By cache: what the near tier's entries came from, where that was another process. */
  readonly #presumed = new Map<string, string>();

  /** `changed` is told when generations have changed: by another process, by `clear` here, or because the record was lost. */
  constructor(
    store: GuardedStore,
    name: string,
    runtime: Runtime,
    poll: number,
    changed: (before: (cache: string) => string) => void,
  ) {
    this.#key = `${name}:~record`;
    this.#copies = new RecordCopies(store, this.#key);
    this.#runtime = runtime;
    this.#poll = poll;
    this.#changed = changed;
  }

  /** What stands in the keys of a cache; `undefined` while the record could not be read. */
  generation(cache: string): string | undefined {
    return this.#content === undefined ? undefined : nameOf(this.#content, cache);
  }

  /** A promise to wait for when the record is unknown or older than the poll period (one read for all): false when it could not be read. `undefined` when it is current. */
  current(): Promise<boolean> | undefined {
    if (this.#runtime.clock.read() - this.#readAt < this.#poll) return undefined;
    return (this.#reading ??= this.#read('most').finally(() => {
      this.#reading = undefined;
    }));
  }

  /**
   * For changes: the record as it is from now on (one read per turn). A change under a generation that another process has
   * just ended would be confirmed and yet reach nothing. False: it could not be read.
   */
  recheck(): Promise<boolean> {
    if (this.#rechecking === undefined) {
      this.#rechecking = this.#read('all');
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

  /**
   * Gives a cache a new generation. False: some copy did not take it. This process then tries again whenever it reads the record;
   * the others notice as soon as one copy has it.
   */
  async clear(cache: string): Promise<boolean> {
    const asked = this.#runtime.clock.read();
    let answers = await Promise.all(this.#ask());
    if (!answers.some(hasRecord) && (await this.#renew(answers))) answers = await Promise.all(this.#ask());
    if (this.#content === undefined || !answers.some(hasRecord)) {
      this.#owed.add(cache);
      return false;
    }
    const mine = cleared(this.#content, cache, this.#runtime.randomId());
    const known = (found: RecordContent | undefined): RecordContent =>
      joinedContent(this.#learn(found)!, mine);
    const taken = await Promise.all(
      answers.map(async (answer) => {
        const took = await this.#copies.bring(answer, known);
        // Not before one copy has it: this process alone would go by it, and its changes would reach nobody else.
        if (took) this.#learn(mine);
        return took;
      }),
    );
    if (!taken.some(Boolean)) this.#owed.add(cache);
    else if (asked > this.#readAt) this.#readAt = asked;
    return taken.every(Boolean);
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

  async #read(patience: Patience): Promise<boolean> {
    const asked = this.#runtime.clock.read();
    const asking = this.#ask();
    const settled = Promise.all(asking).then((answers) => this.#settled(answers));
    const known = await (patience === 'all' ? settled : Promise.race([most(asking), settled]));
    if (known && asked > this.#readAt) this.#readAt = asked;
    return known;
  }

  /** Asks all copies, in one turn, and learns from each answer as it comes. */
  #ask(): readonly Promise<CopyAnswer>[] {
    return this.#copies.numbers().map(async (copy) => {
      const answer = await this.#copies.read(copy);
      this.#learn(answer.content);
      return answer;
    });
  }

  /** All copies have answered or failed. False: what counts is not known. */
  async #settled(answers: readonly CopyAnswer[]): Promise<boolean> {
    if (!answers.some(hasRecord)) return await this.#renew(answers);
    const bringing = answers
      .filter(({ found, content }) => found === 'absent' || (content !== undefined && !this.#agrees(content)))
      .map((answer) => this.#bring(answer));
    if (!this.#closed)
      for (const cache of this.#owed) {
        this.#owed.delete(cache);
        void this.clear(cache);
      }
    if (answers.some(({ content }) => content !== undefined && this.#agrees(content))) return true;
    // No copy has it all: a change by these names would reach nobody else.
    return (await Promise.all(bringing)).some(Boolean);
  }

  /** No copy that answered has a record. False: none could be made. */
  async #renew(answers: readonly CopyAnswer[]): Promise<boolean> {
    const absent = answers.filter(({ found }) => found === 'absent');
    for (const [index, answer] of absent.entries()) {
      // One after the other, so that of several processes one wins.
      await this.#copies.write(answer, renewed(this.#content, this.#runtime.randomId()));
      // What counts is what the store has: one that keeps nothing would have another record each time.
      const { content } = await this.#copies.read(answer.copy);
      if (content === undefined) continue;
      this.#learn(content);
      for (const [other, each] of absent.entries()) if (other !== index) void this.#bring(each);
      return true;
    }
    return false;
  }

  #bring(answer: CopyAnswer): Promise<boolean> {
    const { copy } = answer;
    const running = this.#bringing.get(copy);
    if (running !== undefined) return running;
    const bringing = this.#copies
      .bring(answer, (found) => this.#learn(found)!)
      .finally(() => this.#bringing.delete(copy));
    this.#bringing.set(copy, bringing);
    return bringing;
  }

  #agrees(content: RecordContent): boolean {
    return this.#content !== undefined && sameContent(content, this.#content);
  }

  /** Joins what was found with what is known: old news add nothing, so it does not matter how late they come. */
  #learn(found: RecordContent | undefined): RecordContent | undefined {
    const before = this.#content;
    if (found === undefined) return before;
    const content = before === undefined ? found : joinedContent(before, found);
    if (content === before) return content;
    this.#content = content;
    if (before === undefined && this.#presumed.size === 0) return content;
    try {
      this.#changed((cache) =>
        before === undefined ? (this.#presumed.get(cache) ?? nameOf(content, cache)) : nameOf(before, cache),
      );
    } catch (error) {
      tell('background-failed', { cache: this.#key, error });
    }
    return content;
  }
}

function hasRecord({ found }: CopyAnswer): boolean {
  return found === 'record';
}

/** True when more than half have answered, one of them with a record. One copy that hangs, or is older, decides nothing then. */
function most(asking: readonly Promise<CopyAnswer>[]): Promise<boolean> {
  return new Promise((resolve) => {
    let answered = 0;
    let known = false;
    for (const each of asking)
      void each.then(({ found }) => {
        if (found === 'failed') return;
        known ||= found === 'record';
        if (++answered > asking.length / 2 && known) resolve(true);
      });
  });
}
