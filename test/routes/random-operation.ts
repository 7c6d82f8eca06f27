import fc from 'fast-check';
import type { Operation, Reply } from '../../src/core/store.ts';
import type { Asked } from './wire.ts';

/** One operation to be, which may go by a CAS that an earlier answer told. */
export interface Draft {
  readonly operation: Asked;
  /** Which of the CAS values that were told for this key, counted from the newest; `undefined`: none. */
  readonly cas: number | undefined;
}

const span = fc.constantFrom(0, 1, 900, 5000, 60_000, 100 * 24 * 3_600_000);
const lifeOf = fc
  .record({ freshFor: span, staleFor: span })
  .filter((life) => life.freshFor + life.staleFor > 0);
const key = fc.constantFrom('a', 'b', 'user:1', 'user:2');
const value = fc.constantFrom('', '7', 'text').map((text) => Buffer.from(text));
const cas = fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined, freq: 2 });
/** Records are rare. */
const copy = fc.oneof(
  { weight: 7, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1, 2, 5) },
);
const maybe = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(some, { nil: undefined });

/** Without the fields that are `undefined`: the contract has none such. */
function sparse(operation: Readonly<Record<string, unknown>>): Asked {
  return Object.fromEntries(
    Object.entries(operation).filter(([, each]) => each !== undefined),
  ) as unknown as Asked;
}

const operation: fc.Arbitrary<Asked> = fc
  .oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('get'),
        key,
        copy,
        lease: maybe(fc.constantFrom(1000, 30_000)),
        recache: maybe(fc.constantFrom(1, 10_000, 1_000_000)),
        touch: fc.option(lifeOf, { nil: undefined, freq: 5 }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('set'),
        key,
        copy,
        mode: fc.constantFrom('set', 'set', 'set', 'add', 'replace', 'append', 'prepend'),
        value,
        flags: fc.constantFrom(0, 511),
        life: lifeOf,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('delete'),
        key,
        copy,
        staleFor: maybe(fc.constantFrom(1000, 60_000)),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('touch'), key, life: lifeOf }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('count'),
        key,
        delta: fc.constantFrom(1n, -5n),
        initial: maybe(fc.record({ value: fc.constant(10n), life: lifeOf })),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('release'),
        key,
        right: fc.constantFrom('lease', 'recache', 'stale'),
        cas: fc.constant('1'),
      }),
    },
  )
  .map(sparse);

export const draft: fc.Arbitrary<Draft> = fc.record({ operation, cas });

/** Remembers what was told, and makes drafts into operations. */
export class Told {
  readonly #told = new Map<string, string[]>();

  operation({ operation: asked, cas: back }: Draft, deadline: number): Operation {
    const known = this.#told.get(asked.key) ?? [];
    const told = back === undefined ? undefined : known.at(-1 - back);
    const goesByCas = asked.kind === 'set' || asked.kind === 'delete' || asked.kind === 'release';
    const byCas = told !== undefined && goesByCas ? { cas: told } : undefined;
    return { deadline, ...asked, ...byCas } as Operation;
  }

  hear(operation: Operation, reply: Reply): void {
    if (!('cas' in reply) || reply.cas === '') return;
    const known = this.#told.get(operation.key);
    if (known === undefined) this.#told.set(operation.key, [reply.cas]);
    else known.push(reply.cas);
  }
}
