import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Destination, Operation } from '../../src/core/store.ts';
import { everyRoute, type RouteCase } from './every-route.ts';
import { draft, type Draft, Told } from './random-operation.ts';
import { type Wire, world } from './wire.ts';

/** What was sent, without what a store need not see again. */
const names = (wires: Iterable<Wire>): string[] => [...wires].map((wire) => wire.name).toSorted();

/** Asks one operation after the other, and compares where each went with where it was said to go. */
async function follow({ parts, make }: RouteCase, drafts: readonly Draft[], seed: number): Promise<void> {
  const { runtime, wires } = world(parts, seed);
  const store = make(wires, runtime);
  const told = new Told();
  for (const each of drafts) {
    const operation = told.operation(each, runtime.clock.read() + 1000);
    const named: readonly Destination[] =
      store.destinations?.(operation) ??
      store.parts.map((part) => ({ store: part, role: 'first' as const, operation }));
    for (const wire of wires) wire.asked.length = 0;
    const reply = await runtime.until(store.execute(operation));
    await runtime.settle();
    told.hear(operation, reply);
    const called = wires.filter((wire) => wire.asked.length > 0);
    const certain = named.filter(({ role }) => role === 'first' || role === 'also');
    const possible = new Set(named.map((destination) => destination.store as Wire));
    const message = `${JSON.stringify(operation, plainly)} => ${JSON.stringify(reply, plainly)}`;
    expect(names(called), message).toEqual(
      expect.arrayContaining(names(new Set(certain.map((each) => each.store as Wire)))),
    );
    expect(
      called.filter((wire) => !possible.has(wire)).map((wire) => wire.name),
      message,
    ).toEqual([]);
    for (const destination of certain)
      expect((destination.store as Wire).asked.map(plain), message).toContainEqual(
        plain(destination.operation),
      );
    await runtime.advance(each.operation.key.length * 100);
  }
  await runtime.until(store.close());
}

const plain = (operation: Operation): unknown => JSON.parse(JSON.stringify(operation, plainly));

function plainly(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

describe.each(everyRoute)('$name', (route) => {
  test('an operation goes where destinations() says, as it says, and nowhere else', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(draft, { minLength: 1, maxLength: 25 }),
        fc.integer({ min: 1, max: 1000 }),
        async (drafts, seed) => await follow(route, drafts, seed),
      ),
      { numRuns: 60 },
    );
  });
});
