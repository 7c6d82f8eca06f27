import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PlacedServer, Placement, PlacementKind } from './placement.ts';
import { placementByName, type PlacementName } from './placement-by-name.ts';

const names: readonly PlacementName[] = ['rendezvous', 'ketama', 'uhashring', 'modulo', 'jump'];
const kinds = names.map((name) => placementByName(name));
const weighted = kinds.filter(({ name }) => ['rendezvous', 'ketama', 'uhashring'].includes(name));
const exact = kinds.filter(({ name }) => ['rendezvous', 'modulo', 'jump'].includes(name));
const [rendezvous, ketama] = kinds;

const fleet = (count: number, weightOf: (index: number) => number = () => 1): PlacedServer[] =>
  Array.from({ length: count }, (_, index) => ({ id: `10.0.0.${index}:11211`, weight: weightOf(index) }));

const keys = Array.from({ length: 100_000 }, (_, index) => `shop:3:user:${index}:profile`);
const fewKeys = keys.slice(0, 400);

function counted(placement: Placement, servers: number): number[] {
  const counts = Array.from({ length: servers }, () => 0);
  for (const key of keys) counts[placement.place(key)]!++;
  return counts;
}

/** How far a count may be from what is expected by luck: 5 standard deviations, and a tenth more for keys that share a slot. */
const luck = (share: number): number => 5 * Math.sqrt(1.1 * keys.length * share * (1 - share));

function expectShare(count: number, share: number): void {
  expect(Math.abs(count - keys.length * share)).toBeLessThan(luck(share));
}

describe('every server has its share', () => {
  test.each(exact.flatMap((kind) => [2, 3, 4, 5, 10, 64, 100].map((count) => ({ kind, count }))))(
    '$kind.name, $count servers: equal but for luck',
    ({ kind, count }) => {
      const servers = fleet(count);
      for (const each of counted(kind.make(servers, ''), count)) expectShare(each, 1 / count);
    },
  );

  test.each([weighted[1]!, weighted[2]!])(
    '$name: the largest of 10 has less than a third too much',
    (kind) => {
      const counts = counted(kind.make(fleet(10), ''), 10);
      expect(Math.max(...counts)).toBeLessThan(keys.length * 0.133);
      expect(Math.min(...counts)).toBeGreaterThan(keys.length * 0.07);
    },
  );

  test.each([3, 12])('rendezvous: weights are exact but for luck, %i servers', (count) => {
    const servers = fleet(count, (index) => [1, 0.5, 7][index % 3]!);
    const total = servers.reduce((sum, { weight }) => sum + weight, 0);
    for (const [index, each] of counted(rendezvous!.make(servers, ''), count).entries())
      expectShare(each, servers[index]!.weight / total);
  });

  test.each([weighted[1]!, weighted[2]!])('$name: twice the weight, about twice the keys', (kind) => {
    const counts = counted(
      kind.make(
        fleet(6, (index) => (index < 3 ? 1 : 2)),
        '',
      ),
      6,
    );
    const light = counts[0]! + counts[1]! + counts[2]!;
    expect(light).toBeGreaterThan(keys.length * 0.29);
    expect(light).toBeLessThan(keys.length * 0.38);
  });

  test('rendezvous: what a server leaves behind is spread evenly over the others', () => {
    const placement = rendezvous!.make(fleet(8), '');
    const seconds = Array.from({ length: 8 }, () => 0);
    let left = 0;
    for (const key of keys) {
      const [first, second] = placement.order(key, 2);
      if (first !== 3) continue;
      left++;
      seconds[second!]!++;
    }
    seconds.splice(3, 1);
    const furthest = Math.max(...seconds.map((count) => Math.abs(count - left / 7)));
    expect(furthest).toBeLessThan(5 * Math.sqrt((1.1 * left) / 7));
  });
});

const server = fc.record({
  id: fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }),
  weight: fc.integer({ min: 1, max: 4 }),
});
const even = fc.boolean();
const fleets = fc
  .tuple(fc.uniqueArray(server, { minLength: 1, maxLength: 14, selector: ({ id }) => id }), even)
  .map(([servers, equal]) => (equal ? servers.map(({ id }) => ({ id, weight: 1 })) : servers));

/** Two rings that share some servers, in different order. */
const changes = fleets.chain((all) =>
  fc
    .tuple(fc.shuffledSubarray(all, { minLength: 1 }), fc.shuffledSubarray(all, { minLength: 1 }))
    .map(([before, after]) => ({ before, after })),
);

describe('least movement: keys move from those who go and to those who come, no others', () => {
  test.each(weighted)('$name', (kind) => {
    fc.assert(
      fc.property(changes, fc.string({ maxLength: 4 }), ({ before, after }, salt) => {
        if (kind.moves(before, after) === 'any') return;
        const [old, young] = [kind.make(before, salt), kind.make(after, salt)];
        const has = (list: readonly PlacedServer[], id: string): boolean =>
          list.some((each) => each.id === id);
        for (const key of fewKeys) {
          const from = before[old.place(key)]!.id;
          const to = after[young.place(key)]!.id;
          expect(from === to || !has(after, from) || !has(before, to)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  test.each(weighted)(
    '$name, with servers that are absent: theirs is what they would take, and no more',
    (kind) => {
      fc.assert(
        fc.property(changes, ({ before, after }) => {
          const equal = before.map(({ id }) => ({ id, weight: 1 }));
          const absent = after
            .filter(({ id }) => !before.some((each) => each.id === id))
            .map(({ id }) => ({ id, weight: 1 }));
          if (kind.moves(equal, equal) === 'any') return;
          const [here, all] = [kind.make(equal, ''), kind.make(equal, '', absent)];
          for (const key of fewKeys) {
            const present = all
              .order(key, equal.length + absent.length)
              .find((index) => index < equal.length);
            expect(present).toBe(here.place(key));
          }
        }),
        { numRuns: 40 },
      );
    },
  );

  test('ketama: absent servers do not change how many points the others have', () => {
    const [here, all] = [ketama!.make(fleet(24), ''), ketama!.make(fleet(24), '', fleet(25).slice(24))];
    const some = keys.slice(0, 5000).filter((key) => all.place(key) < 24);
    expect(some.map((key) => all.place(key))).toEqual(some.map((key) => here.place(key)));
  });

  test('rendezvous and uhashring always; ketama with equal weights and full points; modulo and jump never', () => {
    const moves = (kind: PlacementKind, before: number, after: number, weight = 1): string =>
      kind.moves(
        fleet(before),
        fleet(after, (index) => (index === 0 ? weight : 1)),
      );
    expect(kinds.map((kind) => moves(kind, 3, 4))).toEqual(['least', 'least', 'least', 'any', 'any']);
    expect(kinds.map((kind) => moves(kind, 24, 25))).toEqual(['least', 'any', 'least', 'any', 'any']);
    expect(kinds.map((kind) => moves(kind, 3, 3, 2))).toEqual(['least', 'any', 'least', 'any', 'any']);
  });

  test('rendezvous: one of 100 that comes or goes moves a hundredth', () => {
    const [many, more] = [rendezvous!.make(fleet(100), ''), rendezvous!.make(fleet(101), '')];
    const moved = keys.filter((key) => many.place(key) !== more.place(key)).length;
    expectShare(moved, 1 / 101);
  });

  test.each(weighted)('$name does not look at the order of the list', (kind) => {
    fc.assert(
      fc.property(changes, ({ before }) => {
        const turned = before.toReversed();
        const [one, other] = [kind.make(before, ''), kind.make(turned, '')];
        for (const key of fewKeys) expect(before[one.place(key)]).toBe(turned[other.place(key)]);
      }),
      { numRuns: 30 },
    );
  });
});

describe('salts', () => {
  test.each(kinds)(
    '$name: in a pool with another salt a key is at the same place once in N times',
    (kind) => {
      const [one, other] = [kind.make(fleet(10), ''), kind.make(fleet(10), 'mirror')];
      const same = keys.filter((key) => one.place(key) === other.place(key)).length;
      // Rings have uneven shares, so a little more often.
      expect(Math.abs(same / keys.length - 0.1)).toBeLessThan(0.006);
    },
  );

  test.each(kinds)('$name: the keys of one server are spread over all of the other pool', (kind) => {
    const [one, other] = [kind.make(fleet(10), ''), kind.make(fleet(10), 'mirror')];
    const counts = Array.from({ length: 10 }, () => 0);
    for (const key of keys) if (one.place(key) === 2) counts[other.place(key)]!++;
    const total = counts.reduce((sum, count) => sum + count, 0);
    expect(Math.max(...counts) / total).toBeLessThan(0.14);
    expect(Math.min(...counts) / total).toBeGreaterThan(0.065);
  });
});

describe('the order of preference', () => {
  test.each([5, 12, 300])('rendezvous: what is remembered is what is drawn, %i servers', (count) => {
    const servers = fleet(count, (index) => 1 + (index % 2));
    const placement = rendezvous!.make(servers, '');
    const drawn = keys.slice(0, 4000).map((key) => placement.order(key, 1)[0]);
    for (let round = 0; round < 2; round++)
      expect(keys.slice(0, 4000).map((key) => placement.place(key))).toEqual(drawn);
  });

  test.each(kinds)('$name: begins with the place, names each server once, and grows at its end', (kind) => {
    fc.assert(
      fc.property(
        fleets,
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 1, max: 20 }),
        (servers, key, count) => {
          const equal = servers.map(({ id }) => ({ id, weight: 1 }));
          const placement = kind.make(weighted.includes(kind) ? servers : equal, '');
          const order = placement.order(key, count);
          expect(order[0]).toBe(placement.place(key));
          expect(placement.place(key)).toBe(placement.place(key));
          expect(order.length).toBe(Math.min(count, servers.length));
          expect(new Set(order).size).toBe(order.length);
          expect(order.every((index) => index in servers)).toBe(true);
          expect(placement.order(key, count + 1).slice(0, order.length)).toEqual(order);
        },
      ),
      { numRuns: 200 },
    );
  });

  test.each(weighted)('$name: the second is the place when the first is gone', (kind) => {
    fc.assert(
      fc.property(fleets, (servers) => {
        if (servers.length < 2) return;
        const placement = kind.make(servers, '');
        for (const key of fewKeys.slice(0, 40)) {
          const [first, second] = placement.order(key, 2);
          const rest = servers.filter((_, index) => index !== first);
          if (kind.moves(servers, rest) === 'any') return;
          expect(rest[kind.make(rest, '').place(key)]).toBe(servers[second!]);
        }
      }),
      { numRuns: 20 },
    );
  });
});

test.each(kinds.filter((kind) => !weighted.includes(kind)))('$name takes no weights', (kind) => {
  expect(() =>
    kind.make(
      fleet(2, (index) => 1 + index),
      '',
    ),
  ).toThrow(expect.objectContaining({ code: 'CISTERN_OPTION' }));
});

test.each(['ketama', 'uhashring'] as const)('%s takes whole weights alone', (name) => {
  expect(() =>
    placementByName(name).make(
      fleet(2, () => 0.5),
      '',
    ),
  ).toThrow(expect.objectContaining({ code: 'CISTERN_OPTION' }));
});

test('a placement of one\u2019s own is taken as it is, another name is refused', () => {
  expect(placementByName(rendezvous!)).toBe(rendezvous);
  for (const wrong of ['toString', 'maglev', undefined, null, {}, 7])
    expect(() => placementByName(wrong as never)).toThrow(
      expect.objectContaining({ code: 'CISTERN_OPTION' }),
    );
});
