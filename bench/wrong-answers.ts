/**
 * Counts answers that went to the wrong request. Callers with tiny deadlines, timeouts, broken connections, odd chunks, hangs
 * and a server that is stopped (SIGSTOP) and goes on; every value says which key it belongs to, and every other answer is
 * one that only its own request can get. `--mutant` runs the same against a client that forgets the slot of a request that
 * was given up: it must be caught. `--keys 1e6` sends so many random keys and counts the commands that the server sees.
 */
import { parseArgs } from 'node:util';
import { bytes } from '../src/core/bytes.ts';
import { encodeKey, storeKey } from '../src/core/key.ts';
import { realRuntime } from '../src/core/runtime.ts';
import type { Operation, Reply, Store } from '../src/core/store.ts';
import { Connection } from '../src/net/connection.ts';
import type { Exchange } from '../src/net/exchange.ts';
import { MemcachedLeaf } from '../src/stores/memcached/memcached-leaf.ts';
import { memcached } from '../src/stores/memcached/memcached.ts';
import { type FaultProxy, startFaultProxy } from '../src/testing/fault-proxy.ts';
import { type MemcachedServer, startMemcached } from '../src/testing/memcached-server.ts';
import { seededRandom } from '../src/testing/seeded-random.ts';

export interface WrongAnswersOptions {
  /** Stop after so many answers that were not failures. Default 200,000. */
  readonly responses?: number;
  /** Run the client that drops slots. */
  readonly mutant?: boolean;
  /** Send so many random keys afterwards. Default none. */
  readonly keys?: number;
  /** Default: drawn, and told by `progress`. */
  readonly seed?: number;
  readonly progress?: (text: string) => void;
}

export interface Count {
  readonly name: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The leaf alone: four proxies look like four servers, so that fences would make each other's entries unreachable. */
const alone = { fence: false, journal: false } as const;
const knownKeys = 2000;
const timeout = 25;
const life = { freshFor: 3_600_000, staleFor: 3_600_000 };

/** The client with the fault: who leaves takes his slot with him, and all later answers move up by one. */
class ForgetfulConnection extends Connection {
  protected override abandon(exchange: Exchange): void {
    super.abandon(exchange);
    const others = [];
    for (let slot = this.slots.shift(); slot !== undefined; slot = this.slots.shift()) {
      if (slot !== exchange) others.push(slot);
    }
    for (const slot of others) this.slots.push(slot);
  }
}

/** What was counted. */
class Tally {
  responses = 0;
  wrong = 0;
  readonly failed = new Map<string, number>();
  firstWrong: string | undefined;

  take(operation: Operation, reply: Reply, right: boolean): void {
    if (reply.kind === 'failed') {
      const code = (reply.error as { code?: string }).code ?? reply.error.name;
      this.failed.set(code, (this.failed.get(code) ?? 0) + 1);
      return;
    }
    this.responses++;
    if (right) return;
    this.wrong++;
    this.firstWrong ??= `${operation.kind} ${operation.key} got ${show(reply)}`;
  }
}

function show(reply: Reply): string {
  return reply.kind === 'hit' ? `hit '${Buffer.from(reply.value).toString('latin1', 0, 60)}'` : reply.kind;
}

/** The value of a known key: its name over and over, of a length that belongs to it too. */
const values = Array.from({ length: knownKeys }, (_, index) => {
  const size = index % 10 === 0 ? 20_000 + index : (index * 37) % 3000;
  return Buffer.alloc(size, `known:${index}|`);
});

type Check = (reply: Reply) => boolean;

/** A random operation, and what may be answered to it. */
function draw(random: () => number): { readonly operation: Operation; readonly check: Check } {
  const index = Math.floor(random() * knownKeys);
  const key = `known:${index}`;
  const now = realRuntime.clock.read();
  const deadline = random() < 0.4 ? now + random() * 3 : now + 1000;
  const kind = random();
  if (kind < 0.6) {
    return {
      operation: { kind: 'get', key, deadline },
      check: (reply) => reply.kind === 'hit' && values[index]!.equals(reply.value),
    };
  }
  if (kind < 0.7) {
    const operation = { kind: 'get', key: `absent:${index}`, deadline } as const;
    return { operation, check: (reply) => reply.kind === 'miss' && reply.lease === 'none' };
  }
  if (kind < 0.8) {
    const operation = { kind: 'get', key: `leased:${index}`, deadline, lease: 60_000 } as const;
    return { operation, check: (reply) => reply.kind === 'miss' && reply.lease !== 'none' };
  }
  if (kind < 0.87) {
    return {
      operation: { kind: 'set', mode: 'set', key, value: values[index]!, flags: 0, life, deadline },
      check: (reply) => reply.kind === 'stored' && reply.cas !== '',
    };
  }
  if (kind < 0.92) {
    const digits = String(index * 1_000_003);
    return {
      operation: { kind: 'count', key: `number:${index}`, delta: 0n, deadline },
      check: (reply) => reply.kind === 'hit' && Buffer.from(reply.value).toString() === digits,
    };
  }
  if (kind < 0.96) {
    const operation = { kind: 'delete', key: `absent:${index}`, deadline } as const;
    return { operation, check: (reply) => reply.kind === 'notFound' };
  }
  return {
    operation: { kind: 'touch', key, life, deadline },
    check: (reply) => reply.kind === 'stored' && reply.cas === '',
  };
}

async function fill(address: string): Promise<void> {
  const store = memcached({ servers: [address], timeout: '10s', ...alone });
  const deadline = Number.POSITIVE_INFINITY;
  const sets = values.flatMap((value, index): Operation[] => [
    { kind: 'set', mode: 'set', key: `known:${index}`, value, flags: 0, life, deadline },
    {
      kind: 'count',
      key: `number:${index}`,
      delta: 0n,
      initial: { value: BigInt(index * 1_000_003), life },
      deadline,
    },
  ]);
  const replies = await Promise.all(sets.map((each) => store.execute(each)));
  await store.close();
  const failed = replies.find((reply) => reply.kind !== 'stored' && reply.kind !== 'hit');
  if (failed !== undefined) throw new Error(`The server could not be filled: ${show(failed)}`);
}

function openStore(proxy: FaultProxy, mutant: boolean): Store {
  const servers = [proxy.address];
  if (!mutant) return memcached({ servers, timeout, ...alone });
  return new MemcachedLeaf(
    {
      name: 'mutant',
      target: { host: '127.0.0.1', port: proxy.port },
      timeout,
      connectTimeout: 1000,
      maxInFlight: 16_384,
      maxBytesInFlight: bytes('maxBytesInFlight', '64mb'),
      pool: { initial: 1, max: 1, burst: 0, idle: 60_000 },
      health: { failures: 1_000_000, firstPause: 20, longestPause: 1000 },
      runtime: realRuntime,
    },
    {},
    ForgetfulConnection,
  );
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, milliseconds));

/** One fault after another, until it is told to stop. */
async function turmoil(
  server: MemcachedServer,
  proxies: readonly FaultProxy[],
  random: () => number,
  going: () => boolean,
): Promise<void> {
  while (going()) {
    const proxy = proxies[Math.floor(random() * proxies.length)]!;
    const { faults } = proxy;
    const span = 5 + random() * 60;
    switch (Math.floor(random() * 8)) {
      case 0:
        faults.chunks = 'anywhere';
        break;
      case 1:
        faults.chunks = 'bytes';
        break;
      case 2:
        faults.delay = [0, 2 * timeout];
        break;
      case 3:
        faults.cut = 0.05;
        break;
      case 4:
        faults.hang = true;
        break;
      case 5:
        server.frozen();
        break;
      case 6:
        proxy.cutAll();
        break;
      default:
    }
    await pause(span);
    server.thawed();
    Object.assign(faults, { chunks: 'whole', delay: 0, cut: 0, hang: false });
    await pause(random() * 20);
  }
}

/** Asks in bursts of one turn, until it is told to stop. */
async function caller(store: Store, random: () => number, tally: Tally, going: () => boolean): Promise<void> {
  while (going()) {
    const burst = Array.from({ length: 1 + Math.floor(random() * 20) }, () => draw(random));
    const replies = await Promise.all(burst.map(({ operation }) => store.execute(operation)));
    for (const [index, reply] of replies.entries()) {
      const { operation, check } = burst[index]!;
      tally.take(operation, reply, reply.kind === 'failed' || check(reply));
    }
    if (replies.every((reply) => reply.kind === 'failed')) await pause(1);
  }
}

/** Runs, and answers the counts: `responses` and `wrong` first. */
export async function run(options: WrongAnswersOptions = {}): Promise<Count[]> {
  const { responses = 200_000, mutant = false, keys = 0, progress = () => undefined } = options;
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31);
  progress(`seed ${seed}`);
  const server = await startMemcached({ args: ['-m', '256'] });
  const proxies: FaultProxy[] = [];
  const stores: Store[] = [];
  const tally = new Tally();
  try {
    await fill(server.address);
    for (let index = 0; index < 4; index++) {
      const target = { host: '127.0.0.1', port: server.port };
      proxies.push(await startFaultProxy({ target, seed: seed + index }));
    }
    stores.push(...proxies.map((proxy) => openStore(proxy, mutant)));
    const going = (): boolean => tally.responses < responses;
    const chatter = setInterval(() => progress(`${tally.responses} responses, ${tally.wrong} wrong`), 2000);
    const callers = stores.flatMap((store, at) =>
      Array.from({ length: 16 }, (_, index) =>
        caller(store, seededRandom(seed + 1000 * at + index), tally, going),
      ),
    );
    await Promise.all([turmoil(server, proxies, seededRandom(seed ^ 0x9e3779b9), going), ...callers]);
    clearInterval(chatter);
    if (tally.firstWrong !== undefined) progress(`first wrong answer: ${tally.firstWrong}`);
    const counts = [
      count('responses', tally.responses),
      count('wrong', tally.wrong),
      count('connections broken', sum(proxies.map((proxy) => proxy.broken))),
      count('connections made', sum(proxies.map((proxy) => proxy.accepted))),
      ...[...tally.failed].map(([code, times]) => count(`failed ${code}`, times)),
    ];
    return keys === 0 ? counts : [...counts, ...(await fuzzKeys(keys, seed))];
  } finally {
    await Promise.all(stores.map((store) => store.close()));
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    await server.stop();
  }
}

/** Random texts as keys, each set and read once: the server must see exactly one command for each, and mix up none. */
export async function fuzzKeys(keys: number, seed: number): Promise<Count[]> {
  const random = seededRandom(seed);
  const server = await startMemcached({ args: ['-m', '1024'] });
  const store = memcached({ servers: [server.address], timeout: '30s', ...alone });
  const deadline = Number.POSITIVE_INFINITY;
  const seen = new Set<string>();
  let mixedUp = 0;
  try {
    for (let done = 0; done < keys;) {
      const batch: string[] = [];
      while (batch.length < Math.min(5000, keys - done)) {
        const { key } = storeKey('fuzz:', encodeKey([randomText(random)]));
        if (seen.has(key)) continue;
        seen.add(key);
        batch.push(key);
      }
      done += batch.length;
      const asked = batch.flatMap((key) => [
        store.execute({ kind: 'set', mode: 'set', key, value: Buffer.from(key), flags: 0, life, deadline }),
        store.execute({ kind: 'get', key, deadline }),
      ]);
      const replies = await Promise.all(asked);
      for (const [index, key] of batch.entries()) {
        const [set, get] = [replies[2 * index]!, replies[2 * index + 1]!];
        if (set.kind !== 'stored' || get.kind !== 'hit' || Buffer.from(get.value).toString() !== key)
          mixedUp++;
      }
    }
    const stats = await readStats(server);
    return [
      count('fuzzed keys', keys),
      count('fuzzed keys wrong', mixedUp),
      count('commands beyond one set and one get each', commandsIn(stats) - 2 * keys),
      count('entries beyond one each', Number(stats['curr_items']) - keys),
    ];
  } finally {
    await store.close();
    await server.stop();
  }
}

/** Bytes, UTF-16 units (lone surrogates too), and what a protocol takes for itself. */
function randomText(random: () => number): string {
  const length = 1 + Math.floor(random() ** 3 * 300);
  const style = random();
  const unit = (): string => {
    const draw = random();
    if (style < 0.3 || draw < 0.2) return String.fromCharCode(Math.floor(random() * 256));
    if (draw < 0.3)
      return [' ', '\r\n', '\n', '\0', ' 0 0 0\r\n', '\r\nflush_all\r\n', "'", ',', '%'][
        Math.floor(random() * 9)
      ]!;
    if (style < 0.6) return String.fromCharCode(0x21 + Math.floor(random() * 94));
    return String.fromCharCode(Math.floor(random() * 65_536));
  };
  return Array.from({ length }, unit).join('');
}

async function readStats(server: MemcachedServer): Promise<Record<string, string>> {
  const { connect } = await import('node:net');
  const text = await new Promise<string>((resolve, reject) => {
    let said = '';
    const socket = connect({ host: '127.0.0.1', port: server.port }, () => socket.write('stats\r\n'));
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1');
      if (!said.endsWith('END\r\n')) return;
      socket.destroy();
      resolve(said);
    });
  });
  return Object.fromEntries(
    [...text.matchAll(/^STAT (\S+) (.*)\r$/gm)].map((match) => [match[1]!, match[2]!]),
  );
}

/** All commands that touch entries. */
function commandsIn(stats: Record<string, string>): number {
  const names = [
    'cmd_get',
    'cmd_set',
    'cmd_flush',
    'cmd_touch',
    'delete_misses',
    'delete_hits',
    'incr_misses',
    'incr_hits',
  ];
  return sum(names.map((name) => Number(stats[name] ?? 0)));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function count(name: string, value: number): Count {
  return { name, median: value, min: value, max: value };
}

if (import.meta.main) {
  const { values: given } = parseArgs({
    options: {
      responses: { type: 'string', default: '5e6' },
      mutant: { type: 'boolean', default: false },
      keys: { type: 'string', default: '0' },
      seed: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const results = await run({
    responses: Number(given.responses),
    mutant: given.mutant,
    keys: Number(given.keys),
    ...(given.seed !== undefined && { seed: Number(given.seed) }),
    progress: (text) => console.error(text),
  });
  for (const { name, median } of results) console.log(`${name.padEnd(44)} ${median.toLocaleString('en')}`);
  if (given.json) console.log(JSON.stringify({ bench: 'wrong-answers', unit: 'count', results }));
  const wrong = results.find(({ name }) => name === 'wrong')!.median;
  const fuzzed = results.filter(({ name }) => /wrong$|beyond/.test(name) && name !== 'wrong');
  if (given.mutant ? wrong === 0 : wrong > 0 || fuzzed.some(({ median }) => median !== 0))
    process.exitCode = 1;
}
