import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Exchange } from './exchange.ts';
import { WriteBatch } from './write-batch.ts';

class Request extends Exchange {
  failed(): void {}
}

function request(body: Uint8Array | undefined, index: number): Request {
  return new Request(body === undefined ? `line ${index}\r\n` : `put ${body.length}\r\n`, body, 0);
}

function written(requests: readonly Exchange[]): string {
  return requests
    .map(({ head, body }) => head + (body === undefined ? '' : `${Buffer.from(body).toString('latin1')}\r\n`))
    .join('');
}

/** What would leave the process if the parts were sent only now. */
function joined(parts: readonly (string | Uint8Array)[]): string {
  return parts
    .map((part) => (typeof part === 'string' ? part : Buffer.from(part).toString('latin1')))
    .join('');
}

const body = fc.option(
  fc.oneof(
    fc.uint8Array({ maxLength: 30 }),
    fc.integer({ min: 1000, max: 70_000 }).map((size) => new Uint8Array(size).fill(size & 0xff)),
  ),
  { nil: undefined },
);

test('every batch carries its requests in order and whole, as long as a socket may read it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.array(body, { maxLength: 30 }), fc.boolean()), { maxLength: 6 }),
      (batches) => {
        const batch = new WriteBatch();
        let unsent: { readonly parts: readonly (string | Uint8Array)[]; readonly expected: string }[] = [];
        for (const [bodies, sent] of batches) {
          const requests = bodies.map(request);
          const expected = written(requests);
          for (const each of requests) batch.add(each);
          unsent.push({ parts: batch.take(), expected });
          for (const each of unsent) expect(joined(each.parts)).toBe(each.expected);
          for (const each of requests) expect([each.head, each.body]).toEqual(['', undefined]);
          if (!sent) continue;
          batch.sent();
          unsent = [];
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('requests without a body are one text, small bodies one block, large ones parts of their own', () => {
  const batch = new WriteBatch();
  const shape = (...bodies: (number | undefined)[]): string[] => {
    for (const [index, size] of bodies.entries()) {
      batch.add(request(size === undefined ? undefined : new Uint8Array(size), index));
    }
    return batch.take().map((part) => typeof part);
  };
  expect(shape(undefined, undefined, undefined)).toEqual(['string']);
  expect(shape(undefined, 10, 1000, undefined, 0)).toEqual(['object']);
  expect(shape(10, 100_000, undefined, 10)).toEqual(['object', 'string', 'object', 'object']);
  expect(shape()).toEqual([]);
});

test('the block for many small bodies is used again once all is sent, and not while a socket has it', () => {
  const batch = new WriteBatch();
  const block = (): ArrayBufferLike => {
    for (let index = 0; index < 100; index++) batch.add(request(new Uint8Array(1000), index));
    return (batch.take()[0] as Uint8Array).buffer;
  };
  const first = block();
  expect(block()).not.toBe(first);
  batch.sent();
  expect(block()).toBe(first);
  batch.abandon();
  expect(block()).not.toBe(first);
});
