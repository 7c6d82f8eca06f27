import type { Listener, Peer } from '../../src/testing/fake-network.ts';
import type { FakeRuntime } from '../../src/testing/fake-runtime.ts';

interface Item {
  readonly value: Uint8Array;
  readonly flags: string;
  readonly cas: number;
  readonly stale: boolean;
  /** The right to store was given to somebody. */
  readonly given: boolean;
}

/** What became of the two directions of a connection. */
interface Way {
  deaf: boolean;
  mute: boolean;
}

export interface SimulationOptions {
  /** By which it can be reached, each a way of its own that can be frozen or cut. Default `127.0.0.1`. */
  readonly hosts?: readonly string[];
  /** As with `-C`. */
  readonly withoutCas?: boolean;
}

/**
 * As much of a memcached as a fence and leases need, on the simulated network: `mg`, `ms`, `md` with CAS, leases and stale marks; nothing
 * expires. `requests` has the lines that it was sent, with what was sent together in one text.
 */
export class SimulatedMemcached {
  /** The ways to it, one for each of `hosts`. */
  readonly listeners: readonly Listener[];
  readonly items = new Map<string, Item>();
  readonly requests: string[] = [];
  /**
   * Answers a line in place of the server. 'drop': it and all that follows on its connection does not arrive; 'lose': from its answer on nothing
   * of that connection comes back.
   */
  intercept: ((line: string) => string | undefined) | undefined;
  readonly #casKept: boolean;
  #cas = 0;

  constructor(runtime: FakeRuntime, { hosts = ['127.0.0.1'], withoutCas = false }: SimulationOptions = {}) {
    this.#casKept = !withoutCas;
    this.listeners = hosts.map((host) => runtime.listen({ host, port: 11_211 }, (peer) => this.#serve(peer)));
  }

  /** The only way to it. */
  get listener(): Listener {
    return this.listeners[0]!;
  }

  /** All is lost, and CAS values begin at 1 again. */
  restart(): void {
    this.items.clear();
    this.#cas = 0;
    for (const each of this.listeners) each.cutAll();
  }

  /** How often the record of a fence was read. */
  get questions(): number {
    return this.requests.join('').match(/^mg ~cistern/gm)?.length ?? 0;
  }

  /** Stores as another client would. */
  store(name: string, value: string | Uint8Array): void {
    this.#put(name, Buffer.from(value), '2147483648');
  }

  #serve(peer: Peer): void {
    let rest: Uint8Array = new Uint8Array(0);
    const way: Way = { deaf: false, mute: false };
    peer.data = (chunk) => {
      if (way.deaf) return;
      this.requests.push(Buffer.from(chunk).toString('latin1'));
      rest = Buffer.concat([rest, chunk]);
      let answers = '';
      for (;;) {
        const end = rest.indexOf(10);
        if (end === -1) break;
        const line = Buffer.from(rest.subarray(0, end - 1)).toString('latin1');
        const size = line.startsWith('ms ') ? Number(line.split(' ')[2]) : -1;
        if (size >= 0 && rest.length < end + 3 + size) break;
        const body = rest.subarray(end + 1, end + 1 + Math.max(0, size));
        rest = rest.subarray(end + 1 + (size >= 0 ? size + 2 : 0));
        const answer = this.#answer(line, body, way);
        if (way.deaf) break;
        if (!way.mute) answers += answer;
      }
      if (answers !== '') peer.write(Buffer.from(answers, 'latin1'));
    };
  }

  #answer(line: string, body: Uint8Array, way: Way): string {
    if (line === 'version') return 'VERSION 1.6.18\r\n';
    const instead = this.intercept?.(line);
    if (instead === 'drop') way.deaf = true;
    else if (instead === 'lose') way.mute = true;
    else if (instead !== undefined) return instead;
    if (way.deaf) return '';
    const [command, name, ...flags] = line.split(' ') as [string, string, ...string[]];
    if (command === 'mg') return this.#get(name, flags);
    return command === 'ms' ? this.#set(name, flags.slice(1), body) : this.#delete(name, flags);
  }

  #get(name: string, flags: readonly string[]): string {
    let item = this.items.get(name);
    let won = false;
    if (item === undefined) {
      if (!flags.some((each) => each.startsWith('N'))) return 'EN\r\n';
      item = this.#put(name, new Uint8Array(0), '0');
      won = true;
    } else won = item.stale && !item.given;
    const marks = `${item.stale ? ' X' : ''}${won ? ' W' : item.given ? ' Z' : ''}`;
    if (won) this.items.set(name, { ...item, given: true });
    const told = `f${item.flags} c${this.#casKept ? item.cas : 0} t3600${marks}`;
    if (!flags.includes('v')) return `HD s${item.value.length} ${told}\r\n`;
    return `VA ${item.value.length} ${told}\r\n${Buffer.from(item.value).toString('latin1')}\r\n`;
  }

  #set(name: string, flags: readonly string[], body: Uint8Array): string {
    const item = this.items.get(name);
    if (flags.includes('ME') && item !== undefined) return 'NS\r\n';
    if (flags.includes('MR') && item === undefined) return 'NS\r\n';
    const refusal = this.#refusal(item, flags);
    if (refusal !== undefined) return refusal;
    const { cas } = this.#put(name, body, flags.find((each) => each.startsWith('F'))!.slice(1));
    return `HD c${this.#casKept ? cas : 0}\r\n`;
  }

  #delete(name: string, flags: readonly string[]): string {
    const item = this.items.get(name);
    const refusal = item === undefined ? 'NF\r\n' : this.#refusal(item, flags);
    if (refusal !== undefined) return refusal;
    if (flags.includes('I')) this.items.set(name, { ...item!, cas: ++this.#cas, stale: true, given: false });
    else this.items.delete(name);
    return 'HD\r\n';
  }

  #refusal(item: Item | undefined, flags: readonly string[]): string | undefined {
    const wanted = flags.find((each) => /^C\d/.test(each))?.slice(1);
    if (wanted === undefined) return undefined;
    if (item === undefined) return 'NF\r\n';
    return this.#casKept && wanted === String(item.cas) ? undefined : 'EX\r\n';
  }

  #put(name: string, value: Uint8Array, flags: string): Item {
    const item = { value: Uint8Array.from(value), flags, cas: ++this.#cas, stale: false, given: false };
    this.items.set(name, item);
    return item;
  }
}
