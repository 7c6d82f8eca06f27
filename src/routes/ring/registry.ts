import type { FencedStore } from '../../core/fence.ts';
import type { Runtime } from '../../core/runtime.ts';
import type { Store } from '../../core/store.ts';
import type { PlacedServer, PlacementKind } from '../placement/placement.ts';
import { type WiderRing, widerRing } from './departures.ts';
import type { RoutingText } from './ring.ts';
import { identityOf, serverOf } from './server-identity.ts';
import { Tenure } from './tenure.ts';

export interface RegistryOptions {
  readonly kind: PlacementKind;
  readonly salt: string;
  readonly routingText: RoutingText;
  /** A record tells of these members: the list of servers may be out of date. */
  readonly outdated: (members: readonly string[]) => void;
  readonly runtime: Runtime;
}

/**
 * Keeps what servers remember from an earlier time in the ring from being answered, by the fences of those who have one. The laws:
 *
 * 1. A server that joins is given a new incarnation before it serves this process: what it holds missed the changes that others were
 *    told of.
 * 2. When one leaves, its keys come (back) to the others, who may hold them from before it had joined. So each of them writes
 *    down the departure, and these keys are named by its token there. No other key is renamed.
 * 3. What has changed before this process looked at a server, its record tells: who is in the ring and not in the record has joined, who is
 *    in the record and not in the ring has left.
 * 4. Until that is confirmed, what depends on it is not sent.
 * 5. Every process does this for its own change of rings: what it has changed by the old ring is then told by the new one too.
 * 6. Whoever writes its ring over another one that a record tells does all of this for the difference of the two: so those with the same
 *    ring need not have seen the other.
 * 7. Who joins is announced first and renewed then, and renewed again after each announcement that comes late. A process that goes by another ring
 *    is told of it with its next change, and when it ends: it asks all its servers once more, and writes its ring down where they tell another.
 * 8. A process whose record tells of another ring than its own knows that both are in use. It has its list read again; and if that does not
 *    end it, it writes its ring down, which the others notice in turn. So as long as two rings are in use, what lies on different servers in them is
 *    kept for seconds only.
 *
 * A placement that moves other keys too has no order of departures: with it a change gives all servers new incarnations.
 *
 * Not covered: two rings that follow each other without a server in common, with no process that has seen both.
 */
export class Registry {
  readonly routingText: RoutingText;
  readonly #options: RegistryOptions;
  readonly #tenures = new Map<Store, Tenure>();
  #servers: readonly PlacedServer[] | undefined;
  #identities: readonly string[] = [];
  #count = 0;
  #wider: WiderRing | undefined;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.routingText = options.routingText;
  }

  /** The members of the ring, as records tell them. */
  get identities(): readonly string[] {
    return this.#identities;
  }

  /** Counts what happens, so that it is known what was before what. */
  count(): number {
    return ++this.#count;
  }

  /** The ring is this one from now on. Parts that stay are the same objects. */
  adopt(servers: readonly PlacedServer[], parts: readonly Store[]): void {
    const { kind } = this.#options;
    const [before, identitiesBefore] = [this.#servers, this.#identities];
    const identities = servers.map(identityOf);
    this.#servers = servers;
    // In an order of their own where the order says nothing, so that all processes write the same.
    this.#identities = keepsOrder(kind, servers) ? identities : identities.toSorted();
    this.#wider = undefined;
    const since = this.count();
    const left = without(identitiesBefore, identities);
    const same = this.tells(identitiesBefore);
    const allMoved = before !== undefined && !same && kind.moves(before, servers) === 'any';
    const announcements: Promise<void>[] = [];
    const renewed: Tenure[] = [];
    for (const [index, part] of parts.entries()) {
      const known = this.#tenures.get(part);
      const tenure = known ?? this.#begin(part);
      if (tenure === undefined) continue;
      const stays = tenure.identity === identities[index];
      tenure.identity = identities[index]!;
      tenure.follow();
      if (before === undefined) continue;
      if (!stays || allMoved) renewed.push(tenure);
      if (!same || !stays) {
        const announcement = tenure.enrol(known === undefined ? [] : left);
        if (known !== undefined) announcements.push(announcement);
      }
    }
    const announced = Promise.all(announcements);
    for (const tenure of renewed) tenure.renewAfter(announced, since);
    for (const [part, tenure] of this.#tenures) {
      if (parts.includes(part)) continue;
      this.#tenures.delete(part);
      void this.#dismiss(tenure);
    }
  }

  /** Whether these are the members of the ring. */
  tells(members: readonly string[]): boolean {
    return String(members) === String(this.#identities);
  }

  /** The record of a server tells of other members. What was renewed since then need not be again. */
  missed(tenure: Tenure, members: readonly string[], since: number): void {
    const renewed = this.#renewedBy(tenure, members);
    const announced = tenure.enrol(without(members, this.#identities));
    for (const other of renewed) other.renewAfter(announced, since);
  }

  /** The record of a server told of other members until this process has written down its own. */
  overwritten(tenure: Tenure, members: readonly string[]): void {
    const since = this.count();
    for (const other of this.#renewedBy(tenure, members)) other.renew(since);
  }

  outdated(members: readonly string[]): void {
    this.#options.outdated(members);
  }

  /** The ring with those of these identities who are not in it; `undefined` if all are, or if the placement has no order of departures. */
  widerRing(identities: readonly string[]): WiderRing | undefined {
    const { kind, salt } = this.#options;
    const servers = this.#servers!;
    const absent = without(identities, this.#identities).toSorted();
    if (absent.length === 0 || keepsOrder(kind, servers)) return undefined;
    if (this.#wider === undefined || String(this.#wider.absent) !== String(absent))
      this.#wider = widerRing(servers, absent, kind, salt);
    return this.#wider;
  }

  /** Nobody may be served what any server has kept: this process knows too little. */
  renewAll(): void {
    const since = this.count();
    for (const tenure of this.#tenures.values()) tenure.renew(since);
  }

  /** Before the parts are closed. */
  async end(): Promise<void> {
    const tenures = [...this.#tenures.values()].filter(({ fence }) => fence.incarnation !== undefined);
    await Promise.all(tenures.map(async (tenure) => await tenure.enrol([])));
    await Promise.all(tenures.map(async (tenure) => await tenure.settled()));
    for (const tenure of this.#tenures.values()) tenure.end();
  }

  /** One that is not in the ring any more is told once, if it can be. */
  async #dismiss(tenure: Tenure): Promise<void> {
    tenure.end();
    if (tenure.fence.incarnation === undefined) return;
    try {
      await tenure.fence.enrol(this.#identities, []);
    } catch {
      return;
    }
  }

  /** Who must get a new incarnation where the record of one server told of these members instead of the ring. */
  #renewedBy(tenure: Tenure, members: readonly string[]): readonly Tenure[] {
    const joined = without(this.#identities, members);
    const all = this.#options.kind.moves(members.map(serverOf), this.#servers!) === 'any';
    return [...this.#tenures.values()].filter(
      (other) => joined.includes(other.identity) || (all && other === tenure),
    );
  }

  #begin(part: Store): Tenure | undefined {
    const { fence } = part as Partial<FencedStore>;
    if (fence === undefined) return undefined;
    const tenure = new Tenure(this, fence, this.#options.runtime);
    this.#tenures.set(part, tenure);
    return tenure;
  }
}

/** Whether which keys move depends on more than on who comes and goes. */
function keepsOrder(kind: PlacementKind, servers: readonly PlacedServer[]): boolean {
  return kind.moves(servers, servers) === 'any';
}

/** Those of one list that another does not have, each once. */
function without(one: readonly string[], other: readonly string[]): readonly string[] {
  return [...new Set(one)].filter((each) => !other.includes(each));
}
