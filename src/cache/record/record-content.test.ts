import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { after, joined, type Mark, mostBefore } from './mark.ts';
import {
  cleared,
  decodeRecord,
  encodeRecord,
  joinedContent,
  nameOf,
  type RecordContent,
  renewed,
  sameContent,
} from './record-content.ts';

const steps = fc.array(
  fc.record({ replica: fc.nat(4), from: fc.nat(4), way: fc.constantFrom('renew', 'join', 'forget') }),
  { maxLength: 60 },
);

describe('marks of several replicas that renew, and hear of each other in any order', () => {
  test('what a replica goes by knows all that it has heard of, and never comes again', () => {
    fc.assert(
      fc.property(steps, (all) => {
        let made = 0;
        const first = after(undefined, 'first');
        const replicas: Mark[] = Array.from({ length: 5 }, () => first);
        /** What a mark came after, in truth: nothing forgotten. */
        const truth = new Map<string, ReadonlySet<string>>([['first', new Set(['first'])]]);
        const gone = replicas.map(() => new Set(['first']));
        for (const { replica, from, way } of all) {
          const mine = replicas[replica]!;
          const theirs = replicas[from]!;
          let next = mine;
          if (way === 'renew') {
            next = after(mine, `t${made++}`);
            truth.set(next.token, new Set([...truth.get(mine.token)!, next.token]));
          } else if (way === 'join') {
            next = joined(mine, theirs);
            expect(joined(theirs, mine).token).toBe(next.token);
            const both = new Set([...truth.get(mine.token)!, ...truth.get(theirs.token)!]);
            // One of the two only if it came after the other.
            if (truth.has(next.token)) for (const each of both) expect(truth.get(next.token)).toContain(each);
            else truth.set(next.token, both.add(next.token));
          } else {
            // Another process begins, which knows only what it is told first.
            next = theirs;
            gone[replica]!.clear();
          }
          if (next.token !== mine.token) {
            expect(gone[replica]).not.toContain(next.token);
            if (way !== 'forget') expect(next.order).toBeGreaterThan(mine.order);
          }
          gone[replica]!.add(next.token);
          replicas[replica] = next;
          expect(next.before.length).toBeLessThanOrEqual(mostBefore);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('they end at one mark, soon after the last renewal', () => {
    fc.assert(
      fc.property(steps, (all) => {
        let made = 0;
        const replicas: Mark[] = Array.from({ length: 5 }, (_, index) => after(undefined, `own${index}`));
        for (const { replica, from, way } of all)
          replicas[replica] =
            way === 'renew'
              ? after(replicas[replica], `t${made++}`)
              : joined(replicas[replica]!, replicas[from]!);
        for (let round = 0; round < 3; round++)
          for (let replica = 0; replica < 5; replica++)
            for (let other = 0; other < 5; other++)
              replicas[other] = replicas[replica] = joined(replicas[replica]!, replicas[other]!);
        expect(new Set(replicas.map(({ token }) => token)).size).toBe(1);
      }),
    );
  });
});

describe('a record', () => {
  const tokens = fc.stringMatching(/^[A-Za-z0-9_-]{1,16}$/);
  const marks: fc.Arbitrary<Mark> = fc.record({
    token: tokens,
    order: fc.nat(),
    before: fc.array(tokens, { maxLength: mostBefore }),
  });
  const contents: fc.Arbitrary<RecordContent> = fc.record({
    incarnation: marks,
    generations: fc
      .array(fc.tuple(fc.oneof(tokens, fc.constantFrom('__proto__', 'constructor')), marks))
      .map((entries) => new Map(entries)),
  });

  /** Two that came about as records do: by renewals, clears, and hearing of each other. */
  const related = fc
    .array(
      fc.record({
        replica: fc.nat(3),
        from: fc.nat(3),
        way: fc.constantFrom('renew', 'clear user', 'clear order', 'join'),
      }),
      { maxLength: 40 },
    )
    .map((all) => {
      const replicas = Array.from({ length: 4 }, (_, index) => renewed(undefined, `own${index}`));
      for (const [index, { replica, from, way }] of all.entries()) {
        const mine = replicas[replica]!;
        if (way === 'renew') replicas[replica] = renewed(mine, `t${index}`);
        else if (way === 'join') replicas[replica] = joinedContent(mine, replicas[from]!);
        else replicas[replica] = cleared(mine, way.slice('clear '.length), `t${index}`);
      }
      return [replicas[0]!, replicas[1]!] as const;
    });

  test('comes back from bytes as it was', () => {
    fc.assert(
      fc.property(contents, (content) => {
        expect(decodeRecord(encodeRecord(content))).toEqual(content);
      }),
    );
  });

  test('is none for anything else', () => {
    const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
    for (const wrong of [
      null,
      1,
      'x',
      [],
      {},
      { incarnation: [1, 'a'] },
      { incarnation: [1, 'a'], generations: null },
      { incarnation: [1], generations: {} },
      { incarnation: ['1', 'a'], generations: {} },
      { incarnation: [-1, 'a'], generations: {} },
      { incarnation: [2 ** 53, 'a'], generations: {} },
      { incarnation: [1, 'a b'], generations: {} },
      { incarnation: [1, ''], generations: {} },
      { incarnation: [1, 'a', 7], generations: {} },
      { incarnation: 'abc', generations: { user: 'def' } },
      { incarnation: [1, 'a'], generations: { user: [1, 'x'.repeat(17)] } },
    ])
      expect(decodeRecord(text(wrong)), JSON.stringify(wrong)).toBeUndefined();
    expect(decodeRecord(new Uint8Array([0xff, 0x7b]))).toBeUndefined();
    expect(decodeRecord(text({ incarnation: [1, 'a'], generations: {} }))).toBeDefined();
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void decodeRecord(bytes)));
  });

  test('joined with one that adds nothing is the same object, and no order matters', () => {
    fc.assert(
      fc.property(related, ([one, other]) => {
        const both = joinedContent(one, other);
        expect(sameContent(both, joinedContent(other, one))).toBe(true);
        expect(joinedContent(both, one)).toBe(both);
        expect(joinedContent(both, other)).toBe(both);
      }),
    );
  });

  test('names: a clear changes those of its cache, another incarnation all', () => {
    const content = renewed(undefined, 'first');
    expect(nameOf(content, '__proto__')).toBe('first.0');
    const one = cleared(content, 'user', 'a');
    expect([nameOf(one, 'user'), nameOf(one, 'order')]).toEqual(['first.a', 'first.0']);
    const other = cleared(content, 'user', 'b');
    const both = joinedContent(one, other);
    expect(nameOf(both, 'user')).toMatch(/^first\.[\w-]{8}$/);
    expect(nameOf(cleared(both, 'user', 'c'), 'user')).toBe('first.c');
    expect(joinedContent(cleared(both, 'user', 'c'), one).generations.get('user')?.token).toBe('c');
    // What a process knows of a record that is lost goes into the new one: an old copy that comes back ends nothing then.
    const next = renewed(both, 'second');
    expect(nameOf(joinedContent(next, both), 'user')).toBe(nameOf(next, 'user'));
  });
});
