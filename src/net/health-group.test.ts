import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HealthGroup, type HealthMember } from './health-group.ts';

class Member implements HealthMember {
  down = false;
  heeded = true;

  obeyed(obeyed: boolean): void {
    this.heeded = obeyed;
  }
}

function groupOf(
  count: number,
  options?: ConstructorParameters<typeof HealthGroup>[0],
): [HealthGroup, Member[]] {
  const group = new HealthGroup(options);
  const members = Array.from({ length: count }, () => new Member());
  for (const member of members) group.join(member);
  return [group, members];
}

function mark(group: HealthGroup, members: readonly Member[], down: number): void {
  for (const [index, member] of members.entries()) {
    member.down = index < down;
    group.changed();
  }
}

test('opens above the one share, and only closes at the other', () => {
  const [group, members] = groupOf(10, { above: 0.5, below: 0.2 });
  const states = [];
  for (const down of [5, 6, 5, 4, 3, 2, 3, 5, 6]) {
    mark(group, members, down);
    states.push(group.failOpen);
    expect(members.every((member) => member.heeded === !group.failOpen)).toBe(true);
  }
  expect(states).toEqual([false, true, true, true, true, false, false, false, true]);
});

test('one or two servers tell nothing, and never when everything is allowed to be down', () => {
  for (const count of [1, 2]) {
    const [group, members] = groupOf(count);
    mark(group, members, count);
    expect(group.failOpen).toBe(false);
  }
  const [group, members] = groupOf(5, { above: 1 });
  mark(group, members, 5);
  expect(group.failOpen).toBe(false);
});

test('whoever joins is told, and those who leave change the share', () => {
  const [group, members] = groupOf(4);
  mark(group, members, 3);
  expect(group.failOpen).toBe(true);
  const late = new Member();
  group.join(late);
  expect([late.heeded, group.servers, group.down]).toEqual([false, 5, 3]);
  for (const member of members.slice(0, 2)) group.leave(member);
  expect([group.servers, group.down, group.failOpen]).toEqual([3, 1, true]);
  group.leave(members[2]!);
  expect([group.failOpen, late.heeded, members[3]!.heeded]).toEqual([false, true, true]);
});

test('whatever happens: never open below the lower share, always above the upper one', () => {
  const step = fc.tuple(fc.nat(11), fc.constantFrom('down', 'up', 'join', 'leave'));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const [group, members] = groupOf(12, { above: 0.6, below: 0.3 });
      for (const [index, what] of steps) {
        const member = members[index]!;
        if (what === 'join') group.join(member);
        else if (what === 'leave') group.leave(member);
        else {
          member.down = what === 'down';
          group.changed();
        }
        const share = group.down / group.servers;
        if (group.servers < 3 || share <= 0.3) expect(group.failOpen).toBe(false);
        else if (share > 0.6) expect(group.failOpen).toBe(true);
      }
    }),
  );
});

describe('options', () => {
  test.each([
    ['failOpen.above', { above: 0 }],
    ['failOpen.above', { above: 1.5 }],
    ['failOpen.above', { above: Number.NaN }],
    ['failOpen.below', { above: 0.5, below: 0.6 }],
    ['failOpen.below', { below: -0.1 }],
  ])('%s is refused: %o', (option, options) => {
    expect(() => new HealthGroup(options)).toThrow(`'${option}'`);
  });
});
