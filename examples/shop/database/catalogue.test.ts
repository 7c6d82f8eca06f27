import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { catalogue } from './catalogue.ts';

function digest(): string {
  const hash = createHash('sha256');
  for (const part of catalogue()) {
    for (const row of part.rows()) hash.update(`${part.table}\t${row.join('\t')}\n`);
  }
  return hash.digest('hex');
}

test('the same rows are made every time', () => {
  expect(digest()).toBe(digest());
});

test('every table has as many rows and columns as it says, without gaps', () => {
  for (const part of catalogue()) {
    const columns = Object.keys(part.columns).length;
    let count = 0;
    for (const row of part.rows()) {
      count++;
      if (row.length !== columns || row.some((value) => value === undefined || Number.isNaN(value))) {
        expect.fail(`row ${count} of ${part.table}: ${JSON.stringify(row)}`);
      }
    }
    expect({ table: part.table, count }).toEqual({ table: part.table, count: part.count });
  }
});
