import { type Duration, milliseconds } from '../core/duration.ts';
import { asError, CisternError, wrongOption } from '../core/error.ts';
import { tell } from '../core/events.ts';
import type { FencedStore } from '../core/fence.ts';
import { reliable } from '../core/reliable.ts';
import { realRuntime, type Runtime, type Timer } from '../core/runtime.ts';
import type { Destination, Operation, Reply, Store } from '../core/store.ts';
import { failure, unusable } from './failure.ts';
import { guardedPart } from './guarded-part.ts';
import { placementByName, type PlacementName } from './placement/placement-by-name.ts';
import type { PlacementKind } from './placement/placement.ts';
import { EarlyChanges } from './ring/early-changes.ts';
import { MovedKeys } from './ring/moved-keys.ts';
import { Registry } from './ring/registry.ts';
import { Ring, type RoutingText } from './ring/ring.ts';
import { checkedName, checkedOptions, checkedPart } from './route-options.ts';
import type { Salted } from './salt.ts';
import { isServerList, type Member, type Server, type ServerList } from './server-list/server-list.ts';
import { staticServers } from './server-list/static-servers.ts';

export interface ShardedOptions {
  /** The members themselves, or a list that may change while the process runs: `dnsServers`, `fileServers`, `polledServers`. */
  readonly servers: readonly Server[] | ServerList;
  /** Makes the store for one member. Called once for each, and again when a member comes back or gets another address. */
  readonly make: (member: Member) => Store;
  /** Which server a key goes to. Default `rendezvous`. */
  readonly placement?: PlacementName | PlacementKind;
  /** Mixed into the placement: pools with different salts spread the same keys differently. Default none. */
  readonly salt?: string;
  /** What of a key chooses its server, where the operation does not say it: keys for which it answers the same share one. Default: the whole key. */
  readonly routingKey?: (key: string) => string;
  /** A store whose member has left is closed after this time: longer than the longest timeout, so that nothing pending is cut off. Default 5 s. */
  readonly drain?: Duration;
  /** Default `sharded`. */
  readonly name?: string;
  /** Default: the machine's own. */
  readonly runtime?: Runtime;
}

const known = ['servers', 'make', 'placement', 'salt', 'routingKey', 'drain', 'name', 'runtime'];

/** After a change of the ring CAS values are marked for so long: a right that was won before is not used later than that. */
const rightsSpan = 60_000;

/**
 * Spreads keys over servers: each key is served by one, and a server that comes or goes moves its own keys alone. The parts are those of
 * the ring of the moment; changes apply at once, and no request is dropped: what is pending at a server that has left is still
 * answered. Stores with a fence are kept from serving what they missed while they were not in the ring: see `Registry`.
 *
 * Operations and promises are handed on as they are: one placement and one call is all that it costs (about 0.1 us). A single server
 * that cannot change is its store itself. Before the first answer of a list operations fail, and what they should have invalidated is
 * deleted once the ring is known.
 */
export function sharded(options: ShardedOptions): Store {
  checkedOptions(options, known);
  const { servers, make, salt = '', routingKey } = options;
  if (typeof make !== 'function') throw wrongOption('make', make, 'a function (member) => store');
  if (typeof salt !== 'string') throw wrongOption('salt', salt, 'a text');
  if (routingKey !== undefined && typeof routingKey !== 'function')
    throw wrongOption('routingKey', routingKey, 'a function (key) => text');
  const runtime = options.runtime ?? realRuntime;
  const list = isServerList(servers) ? servers : staticServers(servers);
  const settings: Settings = {
    name: checkedName(options.name, 'sharded'),
    list,
    make,
    kind: placementByName(options.placement ?? 'rendezvous'),
    salt,
    routingText:
      routingKey === undefined
        ? (operation) => operation.routingKey ?? operation.key
        : (operation) => operation.routingKey ?? routingKey(operation.key),
    routesByKey: routingKey === undefined,
    drain: milliseconds('drain', options.drain ?? '5s'),
    runtime,
  };
  const store = new Sharded(settings);
  const [only] = store.parts;
  const isOnly = !isServerList(servers) && list.members.length === 1;
  return isOnly && (only as Partial<FencedStore>).fence === undefined ? only! : store;
}

interface Settings {
  readonly name: string;
  readonly list: ServerList;
  readonly make: (member: Member) => Store;
  readonly kind: PlacementKind;
  readonly salt: string;
  readonly routingText: RoutingText;
  /** No function is in between. */
  readonly routesByKey: boolean;
  readonly drain: number;
  readonly runtime: Runtime;
}

/** A member, and what was made for it. */
interface Place {
  readonly member: Member;
  readonly part: Store;
  /** The part as it may be called. */
  readonly store: Store;
}

class Sharded implements Salted {
  readonly name: string;
  readonly salt: string;
  readonly #settings: Settings;
  readonly #registry: Registry;
  readonly #early = new EarlyChanges();
  readonly #unwatch: () => void;
  #places: readonly Place[] = [];
  /** Absent before the list was read for the first time. */
  #ring: Ring | undefined;
  /** The ring, where there is nothing but it to look at. */
  #plain: Ring | undefined;
  /** The only part of that ring, if it has one alone and that never throws: there is nothing to choose. */
  #only: Store | undefined;
  #moved: MovedKeys | undefined;
  #movedUntil: Timer | undefined;
  /** Left, and not closed yet. */
  readonly #leaving = new Map<Store, Timer>();
  #closing: Promise<void> | undefined;

  constructor(settings: Settings) {
    this.name = settings.name;
    this.salt = settings.salt;
    this.#settings = settings;
    const { kind, salt, routingText, runtime } = settings;
    this.#registry = new Registry({ kind, salt, routingText, outdated: this.#outdated, runtime });
    if (settings.list.members.length > 0) this.#change(settings.list.members);
    this.#unwatch = settings.list.watch(this.#follow);
    reliable(this);
  }

  get parts(): readonly Store[] {
    return this.#places.map(({ part }) => part);
  }

  execute(operation: Operation): Promise<Reply> {
    if (this.#only !== undefined) return this.#only.execute(operation);
    try {
      const plain = this.#plain;
      if (plain === undefined || operation.copy !== undefined) return this.#ask(operation);
      const index = plain.placement.place(operation.routingKey ?? operation.key);
      return plain.parts[index]!.execute(operation);
    } catch (thrown) {
      return unusable(operation, thrown);
    }
  }

  destinations(operation: Operation): readonly Destination[] {
    const ring = this.#ring;
    if (ring === undefined) return [];
    const index = ring.indexOf(this.#settings.routingText(operation), operation.copy);
    const sent = this.#moved === undefined ? operation : this.#moved.sent(operation, ring.parts[index]!);
    return [{ store: this.#places[index]!.part, role: 'first', operation: sent }];
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#unwatch();
    this.#movedUntil?.cancel();
    for (const timer of this.#leaving.values()) timer.cancel();
    await this.#registry.end();
    await Promise.all([...this.parts, ...this.#leaving.keys()].map(closed));
  }

  #ask(operation: Operation): Promise<Reply> {
    const ring = this.#ring;
    if (ring === undefined) return Promise.resolve(this.#unknown(operation));
    const store = ring.parts[ring.indexOf(this.#settings.routingText(operation), operation.copy)]!;
    return this.#moved === undefined ? store.execute(operation) : this.#moved.ask(operation, store);
  }

  #unknown(operation: Operation): Reply {
    if (this.#closing !== undefined)
      return failure(new CisternError('CISTERN_CLOSED', { what: `The store '${this.name}'` }));
    this.#early.failed(operation);
    const problem = `the list '${this.#settings.list.name}' has not told its servers yet`;
    return failure(new CisternError('CISTERN_UNAVAILABLE', { store: `Store '${this.name}'`, problem }));
  }

  /** Others use another ring. */
  readonly #outdated = (members: readonly string[]): void => {
    const { list } = this.#settings;
    const error = new CisternError('CISTERN_MEMBERS', { list: list.name, others: members });
    tell('servers', { list: list.name, servers: this.#places.map(({ member }) => member.id), error });
    list.look();
  };

  readonly #follow = (): void => {
    const { list } = this.#settings;
    try {
      this.#change(list.members);
    } catch (thrown) {
      const servers = this.#places.map(({ member }) => member.id);
      tell('servers', { list: list.name, servers, error: asError(thrown) });
    }
  };

  /** All or nothing: what throws leaves the ring as it was. */
  #change(members: readonly Member[]): void {
    if (this.#closing !== undefined) return;
    const { kind, salt } = this.#settings;
    const [before, placesBefore] = [this.#ring, this.#places];
    const places = this.#placesOf(members);
    try {
      this.#ring = new Ring(
        members,
        places.map(({ store }) => store),
        kind,
        salt,
      );
    } catch (thrown) {
      for (const { part } of places) if (!this.parts.includes(part)) void closed(part);
      throw thrown;
    }
    this.#places = places;
    this.#registry.adopt(members, this.parts);
    for (const place of placesBefore) if (!this.parts.includes(place.part)) this.#leave(place.part);
    if (before === undefined) this.#begin();
    else this.#mark(before);
    this.#simplify();
  }

  #simplify(): void {
    this.#plain = this.#moved === undefined && this.#settings.routesByKey ? this.#ring : undefined;
    this.#only = this.#plain?.parts.length === 1 ? this.#plain.parts[0] : undefined;
  }

  #placesOf(members: readonly Member[]): readonly Place[] {
    const made: Store[] = [];
    try {
      return members.map((member) => {
        const same = this.#places.find(
          (place) => place.member.id === member.id && place.member.address === member.address,
        );
        if (same !== undefined) return same.member.weight === member.weight ? same : { ...same, member };
        const part = checkedPart('make()', this.#settings.make(member));
        made.push(part);
        return { member, part, store: guardedPart(part) };
      });
    } catch (thrown) {
      for (const part of made) void closed(part);
      throw thrown;
    }
  }

  #leave(part: Store): void {
    const { runtime, drain } = this.#settings;
    const close = (): void => {
      this.#leaving.delete(part);
      void closed(part);
    };
    this.#leaving.set(part, runtime.after(drain, close, false));
  }

  /** The first ring. */
  #begin(): void {
    if (!this.#early.complete) this.#registry.renewAll();
    for (const deletion of this.#early.take()) void this.execute(deletion);
  }

  #mark(before: Ring): void {
    const { runtime, routingText } = this.#settings;
    this.#moved ??= new MovedKeys(
      runtime.randomId(),
      (operation) => before.parts[before.indexOf(routingText(operation), operation.copy)],
    );
    this.#movedUntil?.cancel();
    const end = (): void => {
      this.#moved = undefined;
      this.#simplify();
    };
    this.#movedUntil = runtime.after(rightsSpan, end, false);
  }
}

/** A part that fails to close is as closed as it will ever be. */
async function closed(part: Store): Promise<void> {
  try {
    await part.close();
  } catch {
    return;
  }
}
