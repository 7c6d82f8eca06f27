import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HotPromises } from './hot-promises.ts';

/** Slots so far apart share a place. */
const places = 4096;
const promises = Array.from({ length: 500 }, (_, number) => Promise.resolve(number));

test('never gives the promise of another slot, nor of another value; a free place takes the first that is offered', () => {
  const slot = fc.tuple(fc.nat(3), fc.nat(5)).map(([round, place]) => round * places + place);
  const steps = fc.array(fc.tuple(fc.constantFrom('offer', 'drop', 'get', 'clear'), slot), {
    maxLength: 500,
    size: 'max',
  });
  fc.assert(
    fc.property(steps, (script) => {
      const hot = new HotPromises();
      /** What each slot's value has been offered since it is there, the last one last. */
      const offered = new Map<number, Promise<unknown>[]>();
      const takenBy = new Map<number, number>();
      for (const [number, [act, at]] of script.entries()) {
        const place = at % places;
        if (act === 'offer') {
          const promise = promises[number]!;
          hot.offer(at, promise);
          offered.set(at, [...(offered.get(at) ?? []), promise]);
          if (!takenBy.has(place)) expect(hot.get(at)).toBe(promise);
          if (hot.get(at) !== undefined) takenBy.set(place, at);
        } else if (act === 'drop') {
          hot.drop(at);
          offered.delete(at);
          expect(hot.get(at)).toBeUndefined();
          if (takenBy.get(place) === at) takenBy.delete(place);
        } else if (act === 'clear' && number % 10 === 0) {
          hot.clear();
          offered.clear();
          takenBy.clear();
        }
        const found = hot.get(at);
        if (found !== undefined) expect(offered.get(at)).toContain(found);
        expect(found !== undefined).toBe(takenBy.get(place) === at);
      }
    }),
  );
});

test('who is asked for all the time takes a place from who is not, but not at once', () => {
  const hot = new HotPromises();
  hot.offer(1, promises[1]!);
  let offers = 0;
  for (; hot.get(1 + places) === undefined; offers++) hot.offer(1 + places, promises[2]!);
  expect(offers).toBe(8);
  expect([hot.get(1), hot.get(1 + places)]).toEqual([undefined, promises[2]]);
});

test('a slot that has gone frees the place only if it is its own', () => {
  const hot = new HotPromises();
  hot.offer(1, promises[1]!);
  hot.drop(1 + places);
  expect(hot.get(1)).toBe(promises[1]);
  hot.drop(1);
  hot.offer(1 + places, promises[2]!);
  expect([hot.get(1), hot.get(1 + places)]).toEqual([undefined, promises[2]]);
});

test('a promise stays as it is: others may follow it', async () => {
  const hot = new HotPromises();
  const promise = Promise.resolve('value');
  hot.offer(7, promise);
  expect(Object.isFrozen(promise)).toBe(false);
  expect(await hot.get(7)).toBe('value');
});
