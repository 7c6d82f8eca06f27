import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SlotLists } from './slot-lists.ts';

const count = 3;
/** Far apart, so that several chunks are in use. */
const slots = [0, 1, 2, 3, 16_380, 16_381, 16_382, 40_000, 40_001];

test('are lists: any order of splices leaves them as it leaves arrays', () => {
  const what = fc.constantFrom('append', 'prepend', 'before', 'after', 'take', 'move');
  const step = fc.tuple(what, fc.nat(count - 1), fc.constantFrom(...slots), fc.constantFrom(...slots));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const lists = new SlotLists(count);
      for (const slot of slots) lists.reserve(slot);
      const model: number[][] = Array.from({ length: count }, () => []);
      const listOf = (slot: number): number[] | undefined => model.find((list) => list.includes(slot));
      for (const [name, list, slot, other] of steps) {
        const own = listOf(slot);
        const others = listOf(other);
        if (own === undefined && name === 'append') {
          lists.append(list, slot);
          model[list]!.push(slot);
        } else if (own === undefined && name === 'prepend') {
          lists.prepend(list, slot);
          model[list]!.unshift(slot);
        } else if (own === undefined && name === 'before' && others !== undefined) {
          lists.insertBefore(other, slot);
          others.splice(others.indexOf(other), 0, slot);
        } else if (own === undefined && name === 'after' && others !== undefined) {
          lists.insertAfter(other, slot);
          others.splice(others.indexOf(other) + 1, 0, slot);
        } else if (own !== undefined && name === 'take') {
          lists.take(slot);
          own.splice(own.indexOf(slot), 1);
        } else if (own !== undefined && name === 'move') {
          lists.moveToEnd(list, slot);
          own.splice(own.indexOf(slot), 1);
          model[list]!.push(slot);
        }
        model.forEach((expected, at) => {
          expect(forwards(lists, at)).toEqual(expected);
          expect(backwards(lists, at)).toEqual(expected.toReversed());
        });
      }
    }),
  );
});

function forwards(lists: SlotLists, list: number): number[] {
  const found: number[] = [];
  for (let slot = lists.first(list); slot >= 0; slot = lists.next(slot)) found.push(slot);
  return found;
}

function backwards(lists: SlotLists, list: number): number[] {
  const found: number[] = [];
  for (let slot = lists.last(list); slot >= 0; slot = lists.previous(slot)) found.push(slot);
  return found;
}
