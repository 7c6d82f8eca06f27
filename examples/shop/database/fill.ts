import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Database } from './database.ts';
import { catalogue, type TableRows } from './catalogue.ts';
import { indexes, tables } from './schema.ts';

const rowsPerInsert = 5000;

/** Is told how many rows of how many are in. */
export type Progress = (done: number, total: number) => void;

/**
 * Fills the database, unless it holds these very rows already. Answers whether it had to. A fill that was cut off has not
 * left its fingerprint, and is begun again.
 */
export async function fill(database: Database, progress: Progress): Promise<boolean> {
  const wanted = fingerprint();
  if ((await filledWith(database)) === wanted) return false;
  await database.script(`DROP SCHEMA public CASCADE; CREATE SCHEMA public; ${tables}`);
  const parts = catalogue();
  const total = parts.reduce((sum, part) => sum + part.count, 0);
  let done = 0;
  progress(done, total);
  for (const part of parts) {
    for await (const count of insertAll(database, part)) progress((done += count), total);
  }
  await database.script(`${indexes} ANALYZE; CREATE TABLE filled (fingerprint text NOT NULL);`);
  await database.query('fill-done', 'INSERT INTO filled VALUES ($1)', [wanted]);
  return true;
}

/** Stands for the tables and every row in them: the text of the files that make them. */
function fingerprint(): string {
  const hash = createHash('sha256');
  for (const file of ['schema.ts', 'catalogue.ts', '../traffic/random.ts', '../traffic/zipf.ts']) {
    hash.update(readFileSync(new URL(file, import.meta.url)));
  }
  return hash.digest('hex');
}

async function filledWith(database: Database): Promise<string | undefined> {
  const [table] = await database.query<{ found: string | null }>(
    'fill-table',
    `SELECT to_regclass('public.filled')::text AS found`,
  );
  if (table?.found == null) return undefined;
  const [row] = await database.query<{ fingerprint: string }>(
    'fill-fingerprint',
    'SELECT fingerprint FROM filled',
  );
  return row?.fingerprint;
}

/** One statement per batch, with one array per column. */
async function* insertAll(database: Database, part: TableRows): AsyncGenerator<number> {
  const names = Object.keys(part.columns);
  const arrays = Object.values(part.columns).map((type, index) => `$${index + 1}::${type}[]`);
  const text = `INSERT INTO ${part.table} (${names.join(', ')}) SELECT * FROM unnest(${arrays.join(', ')})`;
  let batch: (string | number)[][] = names.map(() => []);
  for (const row of part.rows()) {
    row.forEach((value, column) => batch[column]!.push(value));
    if (batch[0]!.length < rowsPerInsert) continue;
    yield await insert(batch);
    batch = names.map(() => []);
  }
  if (batch[0]!.length > 0) yield await insert(batch);

  async function insert(columns: (string | number)[][]): Promise<number> {
    await database.query(`fill-${part.table}`, text, columns);
    return columns[0]!.length;
  }
}
