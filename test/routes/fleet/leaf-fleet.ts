import type { Member, ServerList } from '../../../src/memcached.ts';
import { memcached } from '../../../src/memcached.ts';
import { SimulatedMemcached } from '../../servers/simulated-memcached.ts';
import { type Connected, Fleet, type FleetProcess } from './fleet.ts';

/** Processes of one story, at most. */
const mostProcesses = 100;

/** A server that each process reaches by a way of its own. */
class WayedServer {
  readonly simulated: SimulatedMemcached;

  constructor(fleet: LeafFleet, id: string) {
    const hosts = Array.from({ length: mostProcesses }, (_, number) => `${id}-${number}`);
    this.simulated = new SimulatedMemcached(fleet.runtime, { hosts });
    this.simulated.intercept = (line) => {
      if (line.includes('~cistern') || fleet.runtime.random() >= fleet.loss) return undefined;
      return fleet.runtime.random() < 0.5 ? 'drop' : 'lose';
    };
  }

  set reachable(reachable: boolean) {
    for (const way of this.simulated.listeners) way.frozen = !reachable;
  }

  restart(): void {
    this.simulated.restart();
  }
}

/** A fleet as it is: `memcached()` with its fences and its journal in each process, over the simulated network. */
export class LeafFleet extends Fleet {
  readonly #wayed = new Map<string, WayedServer>();

  override disturbed(id: string): WayedServer {
    const known = this.#wayed.get(id) ?? new WayedServer(this, id);
    this.#wayed.set(id, known);
    return known;
  }

  override connect(process: FleetProcess): Connected {
    const { runtime } = this;
    runtime.network.delay = [0, this.delay];
    const ways = (members: readonly Member[]): readonly Member[] =>
      members.map((member) => {
        this.disturbed(member.id);
        return { ...member, address: `${member.id}-${process.number}:11211` };
      });
    const { list, cut } = process;
    const frozen = (id: string, is: boolean): void => {
      this.disturbed(id).simulated.listeners[process.number]!.frozen = is;
    };
    cut.add = (id) => {
      frozen(id, true);
      return cut;
    };
    cut.delete = (id) => {
      frozen(id, false);
      return true;
    };
    const servers: ServerList = {
      name: list.name,
      get members() {
        return ways(list.members);
      },
      watch: (changed) => list.watch(changed),
      look: () => list.look(),
    };
    const { placement = 'rendezvous' } = this.options;
    const store = memcached({ servers, placement, timeout: 50, runtime });
    // What a server is owed that has left waits until it comes back.
    const idle = (): boolean =>
      store
        .journal()!
        .servers.filter(({ server }) => list.members.some(({ id }) => id === server))
        .every(({ pending, fencing }) => pending === 0 && !fencing);
    return { store, idle };
  }
}
