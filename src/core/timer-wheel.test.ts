import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TimerWheel } from './timer-wheel.ts';

/** A platform with a clock that moves by hand, and one timer. */
class Platform {
  now = 1000;
  alarm = Number.POSITIVE_INFINITY;
  keepAlive = false;
  arms = 0;
  readonly wheel: TimerWheel = new TimerWheel(
    () => this.now,
    (milliseconds, keepAlive) => {
      this.arms++;
      this.alarm = milliseconds === undefined ? Number.POSITIVE_INFINITY : this.now + milliseconds;
      this.keepAlive = milliseconds !== undefined && keepAlive;
    },
  );

  /** Lets time pass; the platform's timer rings `lateness` too late. */
  pass(milliseconds: number, lateness = 0): void {
    const end = this.now + milliseconds;
    while (this.alarm + lateness <= end) {
      this.now = Math.max(this.now, this.alarm + lateness);
      this.alarm = Number.POSITIVE_INFINITY;
      this.wheel.advance();
    }
    this.now = end;
  }
}

const day = 86_400_000;

/** Spans of all orders of size: every level of the wheel, its borders, and beyond its reach of 49 days. */
const span = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.double({ min: 0, max: 70_000, noNaN: true }),
  fc.integer({ min: 0, max: 20_000_000 }),
  fc.integer({ min: 0, max: 120 * day }),
  fc.constantFrom(
    0,
    1,
    255,
    256,
    257,
    65_535,
    65_536,
    65_537,
    2 ** 24 - 1,
    2 ** 24,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 32 + 1,
    2 ** 33,
  ),
);

type Step =
  | { readonly kind: 'add'; readonly span: number; readonly keepAlive: boolean }
  | { readonly kind: 'cancel'; readonly index: number }
  | { readonly kind: 'pass'; readonly span: number; readonly lateness: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), span, keepAlive: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), index: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      span,
      lateness: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 5000, noNaN: true })),
    }),
  },
);

interface Modelled {
  readonly wanted: number;
  readonly keepAlive: boolean;
  cancel: () => void;
  live: boolean;
}

describe('TimerWheel', () => {
  test('runs what a sorted list would run, in its order, never early and no later than the platform', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const platform = new Platform();
        const timers: Modelled[] = [];
        let lastDue = 0;
        let lateness = 0;
        for (const each of steps) {
          if (each.kind === 'add') {
            const timer: Modelled = {
              wanted: platform.now + each.span,
              keepAlive: each.keepAlive,
              live: true,
              cancel: () => undefined,
            };
            const run = (): void => {
              expect(timer.live).toBe(true);
              timer.live = false;
              expect(platform.now).toBeGreaterThanOrEqual(timer.wanted);
              expect(platform.now).toBeLessThanOrEqual(timer.wanted + lateness + 2);
              const due = Math.ceil(timer.wanted);
              expect(due).toBeGreaterThanOrEqual(lastDue - 1);
              lastDue = due;
            };
            const made = platform.wheel.add(each.span, run, each.keepAlive);
            timer.cancel = () => made.cancel();
            timers.push(timer);
          } else if (each.kind === 'cancel' && timers.length > 0) {
            const timer = timers[each.index % timers.length]!;
            timer.live = false;
            timer.cancel();
          } else if (each.kind === 'pass') {
            lateness = each.lateness;
            platform.pass(each.span, lateness);
            // The clock may have stopped short of a late alarm: let it ring, so that lateness stays what it was.
            if (platform.alarm <= platform.now) platform.pass(lateness, lateness);
          }
          const live = timers.filter((timer) => timer.live);
          expect(platform.wheel.size).toBe(live.length);
          expect(platform.keepAlive).toBe(live.some((timer) => timer.keepAlive));
          if (live.length === 0) expect(platform.alarm).toBe(Number.POSITIVE_INFINITY);
          else
            expect(platform.alarm).toBeLessThanOrEqual(
              Math.max(platform.now + 1, ...live.map((timer) => timer.wanted)) + 2,
            );
        }
        platform.pass(200 * day);
        expect(timers.some((timer) => timer.live)).toBe(false);
        expect(platform.wheel.size).toBe(0);
        expect(platform.alarm).toBe(Number.POSITIVE_INFINITY);
      }),
      { numRuns: 1500 },
    );
  });

  test('a callback may cancel others of the same moment, itself, and add new ones', () => {
    const platform = new Platform();
    const log: string[] = [];
    const second = platform.wheel.add(10, () => log.push('second'), true);
    second.cancel();
    second.cancel();
    const first = platform.wheel.add(
      20,
      () => {
        log.push('first');
        first.cancel();
        third.cancel();
        platform.wheel.add(0, () => log.push('soon'), true);
        platform.wheel.add(5, () => log.push('later'), true);
      },
      true,
    );
    const third = platform.wheel.add(20, () => log.push('third'), true);
    platform.wheel.add(20, () => log.push('fourth'), true);
    platform.pass(20);
    expect(log).toEqual(['first', 'fourth']);
    platform.pass(1);
    expect(log).toEqual(['first', 'fourth', 'soon']);
    platform.pass(10);
    expect(log).toEqual(['first', 'fourth', 'soon', 'later']);
    expect(platform.wheel.size).toBe(0);
  });

  test('a timer that adds itself again with no delay does not hold up the turn', () => {
    const platform = new Platform();
    let runs = 0;
    const again = (): void => {
      if (++runs < 1000) platform.wheel.add(0, again, true);
    };
    platform.wheel.add(0, again, true);
    platform.pass(5);
    expect(runs).toBeLessThanOrEqual(5);
    platform.pass(2000);
    expect(runs).toBe(1000);
  });

  test('a callback that throws does not stop the others, and what it threw comes out', () => {
    const platform = new Platform();
    let ran = 0;
    const fail = (): void => {
      throw new Error('thrown inside');
    };
    platform.wheel.add(5, fail, true);
    platform.wheel.add(5, () => ran++, true);
    platform.wheel.add(50, () => ran++, true);
    expect(() => platform.pass(5)).toThrow('thrown inside');
    expect(ran).toBe(1);
    platform.pass(100);
    expect(ran).toBe(2);
  });

  test('the platform is asked for far timers only now and then', () => {
    const platform = new Platform();
    platform.wheel.add(30 * day, () => undefined, false);
    const before = platform.arms;
    platform.pass(31 * day);
    expect(platform.arms - before).toBeLessThan(10);
  });

  test('adding and cancelling 100,000 timers leaves nothing', () => {
    const platform = new Platform();
    for (let index = 0; index < 100_000; index++) {
      const timer = platform.wheel.add((index * 7919) % 100_000, () => expect.unreachable(), index % 2 === 0);
      timer.cancel();
    }
    expect(platform.wheel.size).toBe(0);
    expect(platform.keepAlive).toBe(false);
    platform.pass(200_000);
  });
});
