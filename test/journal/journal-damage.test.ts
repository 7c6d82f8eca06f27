import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeLine, encodeLine } from '../../src/routes/journal/journal-line.ts';
import { because, begin, contentOf, endAll, linesOf, remove, Server, Told } from './journal-life.ts';

const told = new Told();
beforeEach(() => told.begin());
afterEach(async () => {
  told.end();
  await endAll();
});

describe('a damaged file', () => {
  /** Six records of two servers, one of them repaired. */
  async function sample(): Promise<Uint8Array> {
    const life = await begin();
    for (const key of ['k1', 'k2', 'k3']) {
      await life.runtime.until(
        Promise.all([
          life.a.failed(remove(key), 'no', because),
          life.b.failed(remove(key), 'unknown', because),
        ]),
      );
    }
    life.servers.b.up = true;
    life.b.up();
    await life.runtime.settle();
    return contentOf(life);
  }

  test('cut anywhere: what is whole is repaired, and it is told', async () => {
    const whole = await sample();
    for (let length = 0; length <= whole.length; length++) {
      told.clear();
      const cut = whole.slice(0, length);
      const life = await begin(cut);
      const pending = { a: new Set<string>(), b: new Set<string>() };
      const complete = Buffer.from(cut).toString().split('\n').slice(0, -1);
      for (const line of complete) {
        const says = decodeLine(line)!;
        if (says.says === 'lost') pending[says.server as 'a'].add(says.lost.key);
        if (says.says === 'repaired') pending[says.server as 'a'].delete(says.key);
      }
      expect([life.a.size, life.b.size]).toEqual([pending.a.size, pending.b.size]);
      expect([life.a.fencing, life.b.fencing]).toEqual([false, false]);
      const torn = length > 0 && whole[length - 1] !== 10;
      expect(told.states).toEqual(torn ? ['damaged'] : []);
      // It is whole again from the start, and takes new records.
      await life.runtime.until(life.a.failed(remove('new'), 'no', because)!);
      const next = await begin(contentOf(life));
      expect(next.a.size).toBe(pending.a.size + 1);
      expect(told.states).toHaveLength(torn ? 1 : 0);
      await endAll();
    }
  });

  test('a file of somebody else is left as it is, and nothing of it is believed', async () => {
    const content = Buffer.from('{\n  "name": "mine"\n}\n');
    const life = await begin(content);
    expect([life.a.fencing, life.b.fencing]).toEqual([true, true]);
    expect(told.events[0]!.error!.message).toContain('is something else');
    life.servers.a.up = true;
    await life.runtime.advance(10_000);
    life.servers.a.up = false;
    await life.runtime.until(Promise.resolve(life.a.failed(remove('k'), 'no', because)));
    expect(life.a.closes('k')).toBe(true);
    expect(life.journal.statistics().file).toMatchObject({ writable: false });
    expect(contentOf(life)).toEqual(Uint8Array.from(content));
  });

  test('megabytes without the end of a line are one line that cannot be read, and what follows counts', async () => {
    const lost = { key: 'k', kind: 'delete', applied: 'no', since: 0 } as const;
    const line = encodeLine({
      says: 'lost',
      server: 'b',
      lost: { ...lost, routingKey: undefined, copy: undefined },
    });
    const life = await begin(Buffer.concat([Buffer.alloc(20_000_000, 'x'), Buffer.from(`\n${line}`)]));
    expect([life.a.fencing, life.b.fencing]).toEqual([true, true]);
    expect(told.events[0]!.error!.message).toContain('has 1 lines');
  });

  test('with bytes changed anywhere: every record is repaired, or its server has a new incarnation', async () => {
    const whole = await sample();
    const lines = linesOf(whole);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: whole.length - 1 }), fc.integer({ min: 1, max: 255 })), {
          minLength: 1,
          maxLength: 4,
        }),
        async (flips) => {
          told.clear();
          const changed = Uint8Array.from(whole);
          for (const [at, mask] of flips) changed[at]! ^= mask;
          if (Buffer.from(changed).equals(whole)) return;
          const life = await begin(changed);
          expect(told.states).toContain('damaged');
          const lastLine = whole.length - lines.at(-1)!.length - 1;
          const inLast = flips.every(([at]) => at >= lastLine);
          if (!inLast)
            expect([life.a.fencing, life.b.fencing, life.servers.a.held]).toEqual([true, true, true]);
          else expect(life.a.fencing || life.a.size === 3).toBe(true);
          life.servers.a.up = life.servers.b.up = true;
          await life.runtime.advance(1000);
          expect([life.a.size, life.b.size, life.a.fencing, life.b.fencing]).toEqual([0, 0, false, false]);
          // What was wrong is over with the next start.
          told.clear();
          await begin(contentOf(life));
          expect(told.states).toEqual([]);
          await endAll();
        },
      ),
      { numRuns: 200 },
    );
  });

  test('a server that joins later is not trusted either', async () => {
    const whole = await sample();
    whole[40]! ^= 1;
    const life = await begin(whole);
    const late = new Server();
    expect(life.journal.join('c', late).fencing).toBe(true);
    expect(late.held).toBe(true);
  });

  test('of another version: not understood, so no server is trusted', async () => {
    const life = await begin(Buffer.from(encodeLine({ says: 'header' }).replace('journal",1', 'journal",2')));
    expect([life.a.fencing, told.states]).toEqual([true, ['damaged']]);
  });

  test('that cannot be read: no server is trusted', async () => {
    const life = await begin(undefined, {}, { open: () => Promise.reject(new Error('EIO')) });
    expect([life.a.fencing, life.b.fencing]).toEqual([true, true]);
    expect(told.events[0]).toMatchObject({ state: 'damaged', error: { code: 'CISTERN_JOURNAL' } });
    expect(told.events[0]!.error!.message).toContain('cannot be read');
  });
});
