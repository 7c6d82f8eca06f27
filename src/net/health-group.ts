import { wrongOption } from '../core/error.ts';

export interface HealthGroupOptions {
  /** Fail-open: with more than this share of the servers marked down the marks are not obeyed any more. 1: never. Default 0.5. */
  readonly above?: number;
  /** The marks are obeyed again when no more than this share is marked. Default half of `above`. */
  readonly below?: number;
}

/** What the group has to know of the servers that are in it. */
export interface HealthMember {
  readonly down: boolean;
  /** Whether its mark is obeyed has changed. */
  obeyed(obeyed: boolean): void;
}

/**
 * The servers of one pool, seen together. When most of them seem to be down at once, it is more likely that this process or its
 * network is to blame, and marks would turn a bad minute into a cold cache: the group *fails open*, and requests go out as if no
 * server were marked. Marks are made and cleared by probes all the while. With fewer than three servers a group never fails open:
 * a share of one or two tells nothing.
 *
 * Source: mcrouter's `TkoTracker` and fail-open pools (`tko_threshold_upper`, `tko_threshold_lower`).
 */
export class HealthGroup {
  readonly #above: number;
  readonly #below: number;
  readonly #members = new Set<HealthMember>();
  #failOpen = false;

  constructor(options: HealthGroupOptions = {}) {
    const { above = 0.5, below = above / 2 } = options;
    if (!(above > 0 && above <= 1)) throw wrongOption('failOpen.above', above, 'a share above 0, up to 1');
    if (!(below >= 0 && below <= above))
      throw wrongOption('failOpen.below', below, "a share from 0 to 'above'");
    this.#above = above;
    this.#below = below;
  }

  /** Whether marks are not obeyed at present. */
  get failOpen(): boolean {
    return this.#failOpen;
  }

  get servers(): number {
    return this.#members.size;
  }

  /** How many are marked down. */
  get down(): number {
    let down = 0;
    for (const member of this.#members) if (member.down) down++;
    return down;
  }

  join(member: HealthMember): void {
    this.#members.add(member);
    if (this.#failOpen) member.obeyed(false);
    this.changed();
  }

  leave(member: HealthMember): void {
    if (this.#members.delete(member)) this.changed();
  }

  /** A member was marked or cleared, or came or left. */
  changed(): void {
    const { servers, down } = this;
    const failOpen =
      servers >= fewest && (this.#failOpen ? down > this.#below * servers : down > this.#above * servers);
    if (failOpen === this.#failOpen) return;
    this.#failOpen = failOpen;
    for (const member of this.#members) member.obeyed(!failOpen);
  }
}

const fewest = 3;
