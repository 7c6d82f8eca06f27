import { channel } from 'node:diagnostics_channel';
import type { Events } from '../../src/core/events.ts';
import type { HitReply, Operation, Reply } from '../../src/core/store.ts';
import { type SafetyOptions, PoolSafety } from '../../src/stores/memcached/pool-safety.ts';
import type { ServerStore } from '../../src/stores/memcached/server-parts.ts';
import { type FakeRuntime, fakeRuntime } from '../../src/testing/fake-runtime.ts';
import { seededRandom } from '../../src/testing/seeded-random.ts';
import { SimulatedMemcached } from '../servers/simulated-memcached.ts';

const keys = 8;
const processes = 3;
const timeout = 50;
const life = { freshFor: 3_600_000, staleFor: 0 };
/** The poll period and a timeout: what `server-fence.ts` says. */
const bound = 250 + timeout;

interface Write {
  readonly version: number;
  readonly process: number;
  /** When its caller was answered. */
  answeredAt: number;
  confirmed: boolean;
}

interface Process {
  readonly index: number;
  readonly store: ServerStore;
  readonly safety: PoolSafety;
}

/** What came of a story. */
export interface Findings {
  readonly hits: number;
  readonly writes: number;
  /** Writes that were not confirmed. */
  readonly lost: number;
  readonly fenced: number;
  readonly wiped: number;
  /** Reads of old values that nobody may have seen any more, in words. */
  readonly stale: readonly string[];
  /** Keys that are old on the server, or closed, when all faults are over for long. */
  readonly unrepaired: readonly string[];
}

/**
 * Processes read, load and write through one server, while the ways to it freeze, break and lose requests, and it is restarted. All of it
 * follows from the seed. Even keys are invalidated by `delete`, from everywhere; odd ones are overwritten by plain `set`s, by one process each.
 */
export async function tell(seed: number, options: SafetyOptions): Promise<Findings> {
  const story = new Story(seed, options);
  try {
    return await story.run();
  } finally {
    await story.end();
  }
}

class Story {
  readonly #runtime: FakeRuntime;
  readonly #random: () => number;
  readonly #server: SimulatedMemcached;
  readonly #processes: readonly Process[];
  /** The source. */
  readonly #versions = Array.from({ length: keys }, () => 0);
  readonly #writes: readonly Write[][] = Array.from({ length: keys }, () => []);
  readonly #busy = new Set<number>();
  readonly #stale: string[] = [];
  #incarnation = '';
  #renewedAt = 0;
  #hits = 0;
  #lost = 0;
  #fenced = 0;
  #wiped = 0;
  #loss = 0;
  readonly #listen = (message: unknown): void => {
    if ((message as Events['journal']).state === 'fenced') this.#fenced++;
  };

  constructor(seed: number, options: SafetyOptions) {
    this.#random = seededRandom(seed);
    this.#runtime = fakeRuntime({ seed });
    this.#runtime.network.delay = [0, 3];
    const hosts = Array.from({ length: processes }, (_, index) => `10.0.0.${index + 1}`);
    this.#server = new SimulatedMemcached(this.#runtime, { hosts });
    this.#server.intercept = (line) => {
      if (line.includes('~cistern') || this.#random() >= this.#loss) return undefined;
      return this.#random() < 0.5 ? 'drop' : 'lose';
    };
    this.#processes = hosts.map((host, index) => {
      const { journal } = options;
      const limits = journal === false ? false : { maxEntries: 4, ...journal };
      const safety = new PoolSafety({ ...options, journal: limits, runtime: this.#runtime });
      const server = `${host}:11211`;
      const pool = { initial: 2, max: 2, burst: 0 };
      const store = safety.server({ server, timeout, pool, runtime: this.#runtime }, 'the server');
      return { index, store, safety };
    });
    channel('cistern:journal').subscribe(this.#listen);
  }

  async run(): Promise<Findings> {
    for (let step = 0; step < 400; step++) {
      this.#step();
      await this.#runtime.advance(this.#random() * 20);
      this.#watch();
    }
    this.#loss = 0;
    for (const each of this.#server.listeners) {
      each.frozen = false;
      each.answer = 'accept';
    }
    await this.#runtime.advance(60_000);
    const unrepaired = await this.#audit();
    const writes = this.#versions.reduce((sum, each) => sum + each, 0);
    return {
      hits: this.#hits,
      writes,
      lost: this.#lost,
      fenced: this.#fenced,
      wiped: this.#wiped,
      stale: this.#stale,
      unrepaired,
    };
  }

  async end(): Promise<void> {
    channel('cistern:journal').unsubscribe(this.#listen);
    const closed = this.#processes.map(async ({ store, safety }) => {
      await store.close();
      await safety.close();
    });
    await this.#runtime.until(Promise.all(closed));
  }

  #step(): void {
    const process = this.#processes[this.#below(processes)]!;
    const key = this.#below(keys);
    const dice = this.#random();
    if (dice < 0.6) void this.#read(process, key);
    else if (dice < 0.85) void this.#write(process, key);
    else if (dice < 0.9) this.#disturb();
  }

  #disturb(): void {
    const way = this.#server.listeners[this.#below(processes)]!;
    const dice = this.#below(6);
    if (dice === 0) this.#loss = this.#loss > 0 ? 0 : 0.2;
    else if (dice === 1) way.cutAll();
    else if (dice === 2) {
      way.answer = 'refuse';
      way.cutAll();
      this.#runtime.after(this.#random() * 600, () => (way.answer = 'accept'));
    } else if (dice < 5) {
      way.frozen = true;
      this.#runtime.after(this.#random() * 2500, () => (way.frozen = false));
    } else if (this.#random() < 0.2) {
      this.#wiped++;
      this.#server.restart();
    }
  }

  async #read({ store, index }: Process, key: number): Promise<void> {
    const askedAt = this.#now;
    const reply = await this.#ask(store, { kind: 'get', key: `k${key}`, lease: 2000, deadline: Infinity });
    if (reply.kind === 'hit') this.#judge(index, key, askedAt, reply);
    if (reply.kind !== 'miss' || reply.lease !== 'won') return;
    const loaded = this.#versions[key]!;
    await this.#pause(this.#random() * 60);
    await this.#ask(store, this.#setOf(key, loaded, reply.cas));
  }

  #judge(reader: number, key: number, askedAt: number, { value }: HitReply): void {
    this.#hits++;
    const version = Number(Buffer.from(value).toString());
    for (const write of this.#writes[key]!) {
      if (write.version <= version || write.answeredAt >= askedAt) continue;
      const own = write.process === reader;
      const known = write.confirmed && this.#now > this.#renewedAt + bound + 1;
      if (!own && !known) continue;
      this.#stale.push(
        `at ${Math.round(this.#now)} process ${reader} read ${version} of k${key}, ` +
          `${write.confirmed ? 'confirmed' : 'failed'} ${write.version} by ${write.process} at ${Math.round(write.answeredAt)}`,
      );
    }
  }

  async #write({ store, index }: Process, key: number): Promise<void> {
    const overwritten = key % 2 === 1;
    if (overwritten && (index !== key % processes || this.#busy.has(key))) return;
    this.#busy.add(key);
    const version = ++this.#versions[key]!;
    const write: Write = { version, process: index, answeredAt: Infinity, confirmed: false };
    this.#writes[key]!.push(write);
    const operation: Operation = overwritten
      ? this.#setOf(key, version)
      : { kind: 'delete', key: `k${key}`, deadline: Infinity };
    const reply = await this.#ask(store, operation);
    this.#busy.delete(key);
    write.answeredAt = this.#now;
    write.confirmed = reply.kind === 'stored' || reply.kind === 'notFound';
    if (!write.confirmed) this.#lost++;
  }

  /** What is on the server, and can be reached, must be what the source has. */
  async #audit(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const { store, index, safety } of this.#processes) {
      for (let key = 0; key < keys; key++) {
        // The first one after a long silence may fail, because the server was fenced meanwhile.
        let reply: Reply;
        let tries = 0;
        do {
          const asked = this.#ask(store, { kind: 'get', key: `k${key}`, deadline: Infinity });
          reply = await this.#runtime.until(asked);
        } while (reply.kind === 'failed' && ++tries < 3);
        const version = reply.kind === 'hit' ? Buffer.from(reply.value).toString() : reply.kind;
        const newest = String(this.#versions[key]);
        if (version !== newest && version !== 'miss')
          found.push(`process ${index}: k${key} is ${version}, not ${newest}`);
      }
      const owed = safety.statistics()?.pending ?? 0;
      if (owed > 0) found.push(`process ${index} still owes ${owed}`);
    }
    return found;
  }

  /** When the server was last given another incarnation. */
  #watch(): void {
    const record = this.#server.items.get('~cistern:main');
    const incarnation =
      record === undefined
        ? ''
        : (JSON.parse(Buffer.from(record.value).toString()) as { incarnation: string }).incarnation;
    if (incarnation === this.#incarnation) return;
    this.#incarnation = incarnation;
    this.#renewedAt = this.#now;
  }

  #ask(store: ServerStore, operation: Operation): Promise<Reply> {
    return store.execute(operation);
  }

  #setOf(key: number, version: number, cas?: string): Operation {
    return {
      kind: 'set',
      mode: 'set',
      key: `k${key}`,
      value: Buffer.from(String(version)),
      flags: 0,
      life,
      deadline: Infinity,
      ...(cas === undefined ? undefined : { cas }),
    };
  }

  get #now(): number {
    return this.#runtime.clock.read();
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => void this.#runtime.after(milliseconds, resolve));
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }
}
