import { describe, expect, test } from 'vitest';
import { Fleet, type Process, Source } from './fleet.ts';

/** What is defined in every process. */
function rows({ shop }: Process, source: Source) {
  return shop.define<string, string>('row', { load: source.load, ttl: '1h', near: false, refreshAhead: 0 });
}

/** One process that has read everything, and another that cannot reach the server yet. */
async function startApart(ids: readonly string[]) {
  const fleet = new Fleet();
  const source = new Source();
  for (const id of ids) source.values.set(id, `old ${id}`);
  const [reader, writer] = [fleet.join(), fleet.join()];
  const [readers, writers] = [rows(reader, source), rows(writer, source)];
  await fleet.outcomes(ids.map(async (id) => await readers.get(id)));
  writer.wire.fate = () => ({ fail: 'unsent' });
  const change = async (id: string): Promise<unknown> =>
    await fleet.outcome(writers.mutate(id, () => void source.values.set(id, `new ${id}`)));
  const heal = (): void => {
    writer.wire.fate = () => undefined;
  };
  return { fleet, source, reader, writer, readers, writers, change, heal };
}

describe('what a process changes before it has ever read the server record', () => {
  test('is not confirmed, and removed as soon as the record is known', async () => {
    const { fleet, readers, change, heal } = await startApart(['a', 'b']);
    expect(await change('a')).toMatchObject({ confirmed: false });
    expect(await fleet.outcome(readers.get('a'))).toBe('old a');
    heal();
    await fleet.runtime.advance(250);
    expect(await fleet.outcomes([readers.get('a'), readers.get('b')])).toEqual(['new a', 'old b']);
  });

  test('is not read back by that process as it was before', async () => {
    const { fleet, writers, change, heal } = await startApart(['a']);
    await change('a');
    heal();
    expect(await fleet.outcome(writers.get('a'))).toBe('new a');
    await fleet.runtime.advance(1000);
    expect(await fleet.outcome(writers.get('a'))).toBe('new a');
  });

  test('is tried again and again, ever more seldom, while the server is out of reach', async () => {
    const { fleet, readers, writer, change, heal } = await startApart(['a']);
    await change('a');
    const asked = (): number => writer.wire.asked.length;
    await fleet.runtime.advance(1000);
    const first = asked();
    await fleet.runtime.advance(60_000);
    const later = asked() - first;
    expect(first).toBeGreaterThanOrEqual(3);
    // Pauses of 2.5 to 5 s in the end.
    expect(later).toBeGreaterThanOrEqual(12);
    expect(later).toBeLessThan(30);
    heal();
    await fleet.runtime.advance(5000);
    expect(await fleet.outcome(readers.get('a'))).toBe('new a');
    const settled = asked();
    await fleet.runtime.advance(60_000);
    expect(asked()).toBe(settled);
  });

  test('is removed when the process closes, if the server can be reached by then', async () => {
    const { fleet, readers, writer, change, heal } = await startApart(['a']);
    await change('a');
    await fleet.runtime.advance(20_000);
    heal();
    await fleet.wait(writer.shop.close());
    expect(await fleet.outcome(readers.get('a'))).toBe('new a');
    const asked = writer.wire.asked.length;
    await fleet.runtime.advance(60_000);
    expect(writer.wire.asked.length).toBe(asked);
  });

  test('of more entries than are remembered: the cache is cleared', async () => {
    const ids = Array.from({ length: 1001 }, (_, index) => `k${index}`);
    const { fleet, readers, change, heal } = await startApart([...ids, 'other']);
    const before = readers.stats().loads;
    await Promise.all(ids.map(async (id) => await change(id)));
    heal();
    await fleet.runtime.advance(10_000);
    const values = await fleet.outcomes(ids.map(async (id) => await readers.get(id)));
    expect(values.filter((value) => String(value).startsWith('old'))).toEqual([]);
    await fleet.outcome(readers.get('other'));
    expect(readers.stats().loads - before).toBe(1002);
  });
});

test('a removal by a name that may be out of date is made again by the right one', async () => {
  const { fleet, source, reader, writer, readers, writers, heal } = await startApart(['a']);
  heal();
  await fleet.outcome(writers.get('a'));
  // Another process clears the cache, and reads the row anew before it is changed; this one can write, but not read the record.
  writer.wire.fate = ({ key }) => (key.endsWith(':~record') ? { fail: 'unsent' } : undefined);
  await fleet.wait(readers.clear());
  expect(await fleet.outcome(readers.get('a'))).toBe('old a');
  const changed = await fleet.outcome(writers.mutate('a', () => void source.values.set('a', 'new a')));
  expect(changed).toMatchObject({ confirmed: false });
  heal();
  await fleet.runtime.advance(500);
  expect(await fleet.outcome(readers.get('a'))).toBe('new a');
  await fleet.wait(reader.shop.close());
});
