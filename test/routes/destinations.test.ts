import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Operation, Store } from '../../src/core/store.ts';
import { seededRandom } from '../../src/testing/seeded-random.ts';
import { everyRoute, type RouteCase } from './every-route.ts';
import { draft, type Draft, Told } from './random-operation.ts';
import { Wire, world } from './wire.ts';

interface Leaf {
  readonly wire: Wire;
  /** Whether it is asked for sure: it answers, or is told too. */
  readonly certain: boolean;
  readonly operation: Operation;
}

/** Where an operation would end, through all routes on the way. */
function leavesOf(store: Store, operation: Operation, certain = true): readonly Leaf[] {
  if (store instanceof Wire) return [{ wire: store, certain, operation }];
  const named =
    store.destinations?.(operation) ??
    store.parts.map((part) => ({ store: part, role: 'first' as const, operation }));
  return named.flatMap((each) =>
    leavesOf(each.store, each.operation, certain && (each.role === 'first' || each.role === 'also')),
  );
}

const names = (wires: Iterable<Wire>): string[] => [...wires].map((wire) => wire.name).toSorted();

/** Asks one operation after the other, and compares where each went with where it was said to go. */
async function follow(
  { parts, make }: RouteCase,
  drafts: readonly Draft[],
  seed: number,
  failing: number,
): Promise<void> {
  const { runtime, wires } = world(parts, seed);
  const random = seededRandom(seed);
  for (const wire of wires)
    wire.fate = () => (random() < failing ? (random() < 0.5 ? 'unsent' : 'lost') : undefined);
  const store = make(wires, runtime);
  const told = new Told();
  for (const each of drafts) {
    const operation = told.operation(each, runtime.clock.read() + 1000);
    const named = leavesOf(store, operation);
    for (const wire of wires) wire.asked.length = 0;
    const reply = await runtime.until(store.execute(operation));
    await runtime.settle();
    told.hear(operation, reply);
    const called = wires.filter((wire) => wire.asked.length > 0);
    const certain = named.filter((leaf) => leaf.certain);
    const possible = new Set(named.map((leaf) => leaf.wire));
    const message = `${JSON.stringify(operation, plainly)} => ${JSON.stringify(reply, plainly)}`;
    expect(names(called), message).toEqual(
      expect.arrayContaining(names(new Set(certain.map((leaf) => leaf.wire)))),
    );
    expect(
      called.filter((wire) => !possible.has(wire)).map((wire) => wire.name),
      message,
    ).toEqual([]);
    for (const leaf of certain)
      expect(leaf.wire.asked.map(plain), message).toContainEqual(plain(leaf.operation));
    await runtime.advance(each.operation.key.length * 100);
  }
  await runtime.until(store.close());
}

/** Bytes are bytes, in whichever array. */
function plain(operation: Operation): unknown {
  const value = operation.kind === 'set' ? { value: [...operation.value] } : undefined;
  return JSON.parse(JSON.stringify({ ...operation, ...value }, plainly));
}

function plainly(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

describe.each(everyRoute)('$name', (route) => {
  test('an operation goes where destinations() says, as it says, and nowhere else', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(draft, { minLength: 1, maxLength: 25, size: 'max' }),
        fc.integer({ min: 1, max: 1000 }),
        fc.constantFrom(0, 0.3),
        async (drafts, seed, failing) => await follow(route, drafts, seed, failing),
      ),
      { numRuns: 60 },
    );
  });
});
