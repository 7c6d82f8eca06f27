import type { Fence } from '../../core/fence.ts';
import type { Runtime, Timer } from '../../core/runtime.ts';
import type { Operation } from '../../core/store.ts';
import { namedBy, type WiderRing } from './departures.ts';
import type { Registry } from './registry.ts';

/** Pauses after attempts to write something down that failed, in milliseconds: the first, doubling up to the longest. */
const firstPause = 25;
const longestPause = 5000;

/** For so long two rings may be in use before something is done about it, and up to as long again by chance: usually one of them is on its way out. */
const grace = 1000;

/**
 * Since when one server has served its keys without a break, and what must stand in its record before it may serve them: see `Registry`.
 * The leaf asks it for the name of every key that it sends.
 */
export class Tenure {
  /** As what the server is in the ring. */
  identity = '';
  readonly fence: Fence;
  readonly #registry: Registry;
  readonly #runtime: Runtime;
  /** How often a new incarnation was wanted, and how many of these wishes are confirmed. While some are not, nothing is sent. */
  #renewals = 0;
  #renewed = 0;
  /** Of how many of them the latest request knows, and when it was sent, on the registry's count. */
  #asked = 0;
  #askedAt = -1;
  /** How much must have happened elsewhere before a new incarnation is asked for. */
  #waits = 0;
  /** How often it was wanted to write down who is in the ring, and how many of these wishes are confirmed. */
  #enrolments = 0;
  #enrolled = 0;
  #enrolling = false;
  /** Those who left and are not written down as departed yet, with the enrolment that does it: somebody may leave again meanwhile. */
  readonly #leaving = new Map<string, number>();
  #attempt: Promise<void> | undefined;
  #failures = 0;
  #pause = 0;
  #retry: Timer | undefined;
  #over = false;
  #looked = false;
  /** What the record was last seen to tell. */
  #members: readonly string[] | undefined;
  /** When it is time to do something about a record that tells of another ring; and since when it does, on the registry's count. */
  #reactAt = Number.POSITIVE_INFINITY;
  #strangeSince = 0;
  /** What follows for names may not be what follows from the record any more. */
  #outOfDate = true;
  /** `undefined`: no key of this server has come from anybody. */
  #ring: WiderRing | undefined;

  constructor(registry: Registry, fence: Fence, runtime: Runtime) {
    this.#registry = registry;
    this.fence = fence;
    this.#runtime = runtime;
    fence.naming = this.#naming;
    fence.changed = this.#changed;
  }

  /** Nothing that the server has kept until now may be reached. Asked for once more where it was already before `since`. */
  renew(since: number): void {
    if (this.#asked === this.#renewals && this.#askedAt < since) this.#renewals++;
    this.#work();
  }

  /** The same, not before something has happened elsewhere; until then it serves nothing. */
  renewAfter(event: Promise<unknown>, since: number): void {
    if (this.#asked !== this.#renewals || this.#askedAt >= since) return;
    this.#renewals++;
    this.#waits++;
    void event.then(() => {
      this.#waits--;
      this.#work();
    });
  }

  /** These have left, and the members of the ring are to be written down. Fulfilled when that has succeeded, or has failed for the first time. */
  async enrol(left: readonly string[]): Promise<void> {
    const enrolment = ++this.#enrolments;
    for (const identity of left) this.#leaving.set(identity, enrolment);
    this.#outOfDate = true;
    const failures = this.#failures;
    this.#work();
    while (this.#enrolled < enrolment && this.#failures === failures && this.#attempt !== undefined)
      await this.#attempt;
  }

  /** Fulfilled when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#attempt !== undefined) await this.#attempt;
  }

  /** Nothing is written down any more. What is still sent to the server is named as before. */
  end(): void {
    this.#over = true;
    this.#retry?.cancel();
    this.fence.changed = undefined;
  }

  /** The ring is another one. */
  follow(): void {
    this.#outOfDate = true;
  }

  readonly #naming = (operation: Operation): string | undefined => {
    if (this.#outOfDate && !this.#over) this.#look();
    if (this.#renewed !== this.#renewals) return undefined;
    if (this.#reactAt !== Number.POSITIVE_INFINITY) this.#react();
    if (this.#ring === undefined) return '';
    const text = this.#registry.routingText(operation);
    const known = { departed: this.fence.departed, leaving: this.#leaving };
    return namedBy(this.#ring, known, text, operation.copy);
  };

  readonly #changed = (): void => {
    this.#look();
    this.#work();
  };

  #look(): void {
    const { members, departed } = this.fence;
    const [first, before] = [!this.#looked, this.#members];
    this.#looked = true;
    this.#members = members;
    if (first || members !== before) {
      // A new record, of a new server or one that was restarted: it holds nothing, and tells nobody who is in the ring.
      if (members === undefined) void this.enrol([]);
      else if (this.#registry.tells(members)) {
        this.#reactAt = Number.POSITIVE_INFINITY;
        // By a ring without this server nobody has asked it for anything: what it was told when it left misleads nobody.
        if (this.#enrolling && before?.includes(this.identity) === true)
          this.#registry.overwritten(this, before);
      } else if (first) this.#registry.missed(this, members, 0);
      else this.#strange(members);
    }
    this.#ring = this.#registry.widerRing([...departed.keys(), ...this.#leaving.keys()]);
    this.#outOfDate = false;
  }

  /** Somebody with another ring has written it down. */
  #strange(members: readonly string[]): void {
    this.#strangeSince = this.#registry.count();
    if (this.#reactAt === Number.POSITIVE_INFINITY)
      this.#reactAt = this.#runtime.clock.read() + grace * (1 + this.#runtime.random());
    this.#registry.outdated(members);
  }

  #react(): void {
    if (this.#over || this.#runtime.clock.read() < this.#reactAt) return;
    this.#reactAt = Number.POSITIVE_INFINITY;
    const members = this.#members;
    if (members === undefined || this.#registry.tells(members)) return;
    this.#registry.missed(this, members, this.#strangeSince);
  }

  #work(): void {
    if (this.#attempt !== undefined || this.#over) return;
    const renews = this.#renewed !== this.#renewals && this.#waits === 0;
    if (!renews && this.#enrolled === this.#enrolments) return;
    this.#retry?.cancel();
    this.#attempt = this.#step(renews).then((confirmed) => {
      this.#attempt = undefined;
      if (confirmed) {
        this.#pause = 0;
        this.#work();
      } else if (!this.#over) this.#workLater();
    });
  }

  /** Half of the pause is fixed, half is chance, so that processes do not come in step. */
  #workLater(): void {
    this.#failures++;
    this.#pause = Math.min(longestPause, Math.max(firstPause, 2 * this.#pause));
    const wait = (this.#pause * (1 + this.#runtime.random())) / 2;
    this.#retry = this.#runtime.after(wait, () => this.#work(), false);
  }

  /** Asks for a new incarnation, or writes down who is in the ring. False: it is not confirmed. */
  async #step(renews: boolean): Promise<boolean> {
    const [renewals, enrolments] = [this.#renewals, this.#enrolments];
    const { identities } = this.#registry;
    const left = [...this.#leaving.keys()].filter((identity) => !identities.includes(identity));
    if (renews) {
      this.#asked = renewals;
      this.#askedAt = this.#registry.count();
    }
    this.#enrolling = !renews;
    try {
      const confirmed = renews ? await this.fence.renew() : await this.fence.enrol(identities, left);
      if (!confirmed) return false;
    } catch {
      return false;
    } finally {
      this.#enrolling = false;
    }
    // After a renewal no name from before can be reached: those who had left by then need no token.
    for (const [identity, enrolment] of this.#leaving)
      if (enrolment <= enrolments) this.#leaving.delete(identity);
    this.#outOfDate = true;
    if (renews) this.#renewed = renewals;
    else this.#enrolled = enrolments;
    return true;
  }
}
