import fc from 'fast-check';
import { expect, describe, test } from 'vitest';
import { decodeLine, encodeLine, type JournalLine } from './journal-line.ts';
import type { LostWrite } from './lost-write.ts';

describe('a line', () => {
  const text = fc.string({ minLength: 1, maxLength: 40 });
  const lost = fc.record<LostWrite>({
    key: text,
    kind: fc.constantFrom('delete', 'touch', 'set'),
    applied: fc.constantFrom('no', 'unknown'),
    since: fc.integer({ min: 0, max: 2 ** 45 }),
    routingKey: fc.option(text, { nil: undefined }),
    copy: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
  });
  const line: fc.Arbitrary<JournalLine> = fc.oneof(
    fc.constant<JournalLine>({ says: 'header' }),
    fc.record({ says: fc.constant('lost' as const), server: text, lost }),
    fc.record({ says: fc.constant('repaired' as const), server: text, key: text }),
    fc.record({ says: fc.constantFrom('fence' as const, 'fenced' as const), server: text }),
  );

  test('comes back as it went in', () => {
    fc.assert(
      fc.property(line, (written) => {
        const encoded = encodeLine(written);
        expect(encoded.endsWith('\n')).toBe(true);
        expect(decodeLine(encoded.slice(0, -1))).toEqual(written);
      }),
    );
  });

  test('with one character changed it says nothing', () => {
    fc.assert(
      fc.property(line, fc.nat(), fc.integer({ min: 32, max: 126 }), (written, place, code) => {
        const encoded = encodeLine(written).slice(0, -1);
        const at = place % encoded.length;
        const changed = `${encoded.slice(0, at)}${String.fromCharCode(code)}${encoded.slice(at + 1)}`;
        // A checksum in capitals is another text.
        if (changed !== encoded) expect(decodeLine(changed)).toBeUndefined();
      }),
    );
  });
});
