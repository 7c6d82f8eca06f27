import type { Operation, Reply, Store } from 'cistern';
import type { Runner, Sample } from '../harness/contest.ts';

/** Operations that are asked in one turn of the event loop, as by so many callers at once. */
const callers = 256;
const entries = 10_000;
const valueBytes = 100;
const life = { freshFor: 3_600_000, staleFor: 0 };
const deadline = Number.MAX_SAFE_INTEGER;

interface RouteModule {
  openRoute(name: string): Store;
}

/** Operations on a store in this process, through a route: what the route adds is its cost. */
export async function open(adapter: unknown, parameters: Record<string, unknown>): Promise<Runner> {
  const store = (adapter as RouteModule).openRoute(parameters['route'] as string);
  const value = new Uint8Array(valueBytes).fill(7);
  const set = (key: string): Operation => ({
    kind: 'set',
    mode: 'set',
    key,
    value,
    flags: 0,
    life,
    deadline,
  });
  const keys = Array.from({ length: entries }, (_, index) => `product:${index}`);
  for (const key of keys) expect(await store.execute(set(key)), 'stored');
  const gets = keys.map((key): Operation => ({ kind: 'get', key, deadline }));
  const sets = keys.map(set);
  const turn = async (operations: readonly Operation[], from: number, kind: Reply['kind']): Promise<void> => {
    const answers: Promise<Reply>[] = [];
    for (let index = 0; index < callers; index++)
      answers.push(store.execute(operations[(from + index) % entries]!));
    for (const answer of answers) expect(await answer, kind);
  };
  return {
    async measure(caseName, milliseconds): Promise<Sample> {
      const reading = caseName.startsWith('get');
      const operations = reading ? gets : sets;
      let done = 0;
      const wall = performance.now();
      const cpu = process.cpuUsage();
      while (performance.now() - wall < milliseconds) {
        await turn(operations, done, reading ? 'hit' : 'stored');
        done += callers;
      }
      const { user, system } = process.cpuUsage(cpu);
      return {
        operations: done,
        cpuMicroseconds: user + system,
        wallMilliseconds: performance.now() - wall,
      };
    },
    close: () => store.close(),
  };
}

function expect(reply: Reply, kind: Reply['kind']): void {
  if (reply.kind !== kind) throw new Error(`the reply is ${reply.kind}, not ${kind}`);
}
