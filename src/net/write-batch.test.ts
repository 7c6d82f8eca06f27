import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Exchange } from './exchange.ts';
import { WriteBatch } from './write-batch.ts';

class Request extends Exchange {
  readonly deadline = 0;
  readonly head: string;
  barred = false;

  constructor(head: string, body: Uint8Array | undefined) {
    super(head.length, body);
    this.head = head;
  }

  encode(block: Uint8Array, at: number): boolean {
    for (let index = 0; index < this.head.length; index++) block[at + index] = this.head.charCodeAt(index);
    return !this.barred;
  }

  failed(): void {}
}

function request(body: Uint8Array | undefined, index: number): Request {
  return new Request(body === undefined ? `line ${index}\r\n` : `put ${body.length}\r\n`, body);
}

function written(requests: readonly Request[]): string {
  return requests
    .map(({ head, body }) => head + (body === undefined ? '' : `${Buffer.from(body).toString('latin1')}\r\n`))
    .join('');
}

/** What would leave the process if the parts were sent only now. */
function joined(parts: readonly Uint8Array[]): string {
  return parts.map((part) => Buffer.from(part).toString('latin1')).join('');
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
        let unsent: { readonly parts: readonly Uint8Array[]; readonly expected: string }[] = [];
        for (const [bodies, sent] of batches) {
          const requests = bodies.map(request);
          const expected = written(requests);
          for (const each of requests) batch.add(each);
          unsent.push({ parts: batch.take(), expected });
          for (const each of unsent) expect(joined(each.parts)).toBe(each.expected);
          if (!sent) continue;
          batch.sent();
          unsent = [];
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('heads and small bodies are one part, large bodies parts of their own that are not copied', () => {
  const batch = new WriteBatch();
  const sizes = (...bodies: (number | undefined)[]): number[] => {
    for (const [index, size] of bodies.entries()) {
      batch.add(request(size === undefined ? undefined : new Uint8Array(size), index));
    }
    return batch.take().map((part) => part.length);
  };
  expect(sizes(undefined, undefined, undefined)).toEqual([3 * 'line 0\r\n'.length]);
  expect(sizes(undefined, 10, 1000, undefined, 0)).toHaveLength(1);
  expect(sizes(10, 100_000, undefined, 10)).toEqual([
    'put 10\r\n'.length + 12 + 'put 100000\r\n'.length,
    100_000,
    2 + 'line 2\r\n'.length + 'put 10\r\n'.length + 12,
  ]);
  expect(sizes()).toEqual([]);
  const body = new Uint8Array(100_000);
  batch.add(request(body, 0));
  expect(batch.take()[1]).toBe(body);
});

test('a block is used again once all is sent, and not written over while a socket has it', () => {
  const batch = new WriteBatch();
  const part = (): Uint8Array => {
    for (let index = 0; index < 100; index++) batch.add(request(new Uint8Array(1000), index));
    return batch.take().at(-1)!;
  };
  // The first batches find out how large a block they want.
  for (let index = 0; index < 3; index++) part();
  batch.sent();
  const first = part();
  batch.sent();
  const second = part();
  expect([second.buffer, second.byteOffset]).toEqual([first.buffer, first.byteOffset]);
  expect(second.buffer).toBe(first.buffer);
  const third = part();
  expect(third.buffer !== second.buffer || third.byteOffset >= second.byteOffset + second.length).toBe(true);
  batch.abandon();
  expect(part().buffer).not.toBe(third.buffer);
});
