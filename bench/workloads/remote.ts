import { createHash } from 'node:crypto';
import type { Address, Payload, RemoteClient, RemoteModule } from '../competitors/adapter.ts';
import type { Runner, Sample } from '../harness/contest.ts';
import { quantile } from '../harness/statistics.ts';

/** Every caller has keys of its own, so that no client can answer two callers with one command. */
const keysPerCaller = { get: 4, set: 4, delete: 4, mixed: 4, 'multi-get': 100 };
/** One caller in so many has its waiting times taken: a clock read per operation would be a good part of the cheapest. */
const callersPerWatched = 16;

type Work = keyof typeof keysPerCaller;

export interface RemoteParameters {
  readonly address: Address;
  /** `mixed`: of 100 operations 90 gets, 8 sets, 2 deletes. One per case where there are several. */
  readonly work: Work | Readonly<Record<string, Work>>;
  readonly callers: number;
  readonly valueBytes: number;
}

/** Many callers that each wait for one answer before they ask again, against one server. */
export async function open(
  adapter: unknown,
  parameters: Record<string, unknown>,
  contender: string,
): Promise<Runner> {
  const { address, work, callers, valueBytes } = parameters as unknown as RemoteParameters;
  const client = await (adapter as RemoteModule).openRemoteClient(address, parameters);
  const works = typeof work === 'string' ? [work] : Object.values(work);
  const perCaller = Math.max(...works.map((each) => keysPerCaller[each]));
  // Of one length for all: every character of a key is checked, written and sent.
  const prefix = createHash('sha256').update(contender).digest('hex').slice(0, 12);
  const keys = Array.from({ length: callers * perCaller }, (_, index) => `${prefix}:${index}`);
  const values = keys.map((key): Payload => {
    const text = `${key} `.padEnd(valueBytes, 'abcdefghijklmnopqrstuvwxyz');
    return { text, bytes: Buffer.from(text) };
  });
  const fill = async (): Promise<void> => {
    for (const [index, key] of keys.entries()) await client.set(key, values[index]!);
    await verify(client, keys, values);
  };
  await fill();

  return {
    async measure(caseName, milliseconds): Promise<Sample> {
      const own = typeof work === 'string' ? work : work[caseName]!;
      const ask = asks[own];
      // Whoever closed idle connections has them again before the clock runs.
      await verify(client, keys.slice(0, 100), values);
      const waits: number[] = [];
      const state: State = { client, keys, values, valueBytes, operations: 0, running: true };
      const wall = performance.now();
      const cpu = process.cpuUsage();
      const timer = setTimeout(() => (state.running = false), milliseconds);
      await Promise.all(
        Array.from({ length: callers }, (_, caller) => {
          const from = caller * perCaller;
          return caller % callersPerWatched === 0
            ? watched(state, ask, from, waits)
            : plain(state, ask, from);
        }),
      );
      const { user, system } = process.cpuUsage(cpu);
      const wallMilliseconds = performance.now() - wall;
      clearTimeout(timer);
      if (own === 'set') await verify(client, keys, values);
      if (own === 'delete' || own === 'mixed') await fill();
      return {
        operations: state.operations,
        cpuMicroseconds: user + system,
        wallMilliseconds,
        latency: { p50: quantile(waits, 0.5), p99: quantile(waits, 0.99) },
      };
    },
    close: () => client.close(),
  };
}

interface State {
  readonly client: RemoteClient;
  readonly keys: readonly string[];
  readonly values: readonly Payload[];
  readonly valueBytes: number;
  operations: number;
  running: boolean;
}

type Ask = (state: State, from: number, turn: number) => Promise<void>;

async function plain(state: State, ask: Ask, from: number): Promise<void> {
  for (let turn = 0; state.running; turn++) {
    await ask(state, from, turn);
    state.operations += 1;
  }
}

async function watched(state: State, ask: Ask, from: number, waits: number[]): Promise<void> {
  for (let turn = 0; state.running; turn++) {
    const start = performance.now();
    await ask(state, from, turn);
    waits.push(performance.now() - start);
    state.operations += 1;
  }
}

async function oneGet(state: State, from: number, turn: number): Promise<void> {
  const value = await state.client.get(state.keys[from + (turn & 3)]!);
  if (value?.length !== state.valueBytes) throw new Error(`a get answered ${String(value)}`);
}

async function oneSet(state: State, from: number, turn: number): Promise<void> {
  const index = from + (turn & 3);
  await state.client.set(state.keys[index]!, state.values[index]!);
}

async function oneDelete(state: State, from: number, turn: number): Promise<void> {
  await state.client.delete!(state.keys[from + (turn & 3)]!);
}

async function oneOfAll(state: State, from: number, turn: number): Promise<void> {
  const place = (from * 7 + turn) % 100;
  if (place < 2) return await oneDelete(state, from, turn);
  if (place < 10) return await oneSet(state, from, turn);
  const value = await state.client.get(state.keys[from + (turn & 3)]!);
  if (value !== undefined && value?.length !== state.valueBytes)
    throw new Error(`a get answered ${String(value)}`);
}

async function oneMultiGet(state: State, from: number): Promise<void> {
  const values = await state.client.getMany(state.keys.slice(from, from + 100));
  for (const value of values) {
    if (value?.length !== state.valueBytes) throw new Error(`a multi-get answered ${String(value)}`);
  }
}

/** Every key has exactly its own value, by both ways of asking. */
async function verify(
  client: RemoteClient,
  keys: readonly string[],
  values: readonly Payload[],
): Promise<void> {
  for (let from = 0; from < keys.length; from += 100) {
    const part = keys.slice(from, from + 100);
    const many = await client.getMany(part);
    const single = await Promise.all(part.map((key) => client.get(key)));
    for (const [place, key] of part.entries()) {
      const text = values[from + place]!.text;
      for (const value of [many[place], single[place]]) {
        const got = typeof value === 'string' ? value : Buffer.from(value ?? '').toString();
        if (got !== text) throw new Error(`key ${key} has another value: ${got.slice(0, 40)}`);
      }
    }
  }
}

const asks: Readonly<Record<Work, Ask>> = {
  get: oneGet,
  set: oneSet,
  delete: oneDelete,
  mixed: oneOfAll,
  'multi-get': oneMultiGet,
};
