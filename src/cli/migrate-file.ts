import { CisternError } from '../core/error.ts';
import type { Store } from '../core/store.ts';
import { type MigrationSchedule, TimeTable } from '../routes/migrating/time-table.ts';
import { memcached, type MemcachedOptions } from '../stores/memcached/memcached.ts';
import { InputError } from './command.ts';
import { readConfiguration } from './configuration-file.ts';
import { isStore } from './store-module.ts';

/** A migration as its file tells it: the same file that every process reads its table from. */
export interface MigrationFile {
  readonly file: string;
  readonly name: string;
  readonly table: TimeTable;
  /** What the table was made from. */
  readonly schedule: MigrationSchedule;
  readonly slots: number | undefined;
  /** Opens the pools; `undefined` when the file tells of none. */
  readonly open: () => Promise<{ readonly from: Store; readonly to: Store } | undefined>;
}

/**
 * Reads a migration from a `.json` file, or from a module that exports it as default or as `migration`: `name`, `schedule`, `skew` and `perKey` as
 * `migrating` takes them, and the pools `from` and `to`, each as options of `memcached`, a store, or a function that answers one of
 * these. Throws `InputError` with what is wrong in the file.
 */
export async function readMigrationFile(file: string): Promise<MigrationFile> {
  const content = await readConfiguration(file, 'migration');
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw new InputError(`${file} has no migration: an object with 'schedule', 'from' and 'to'.`);
  const { name = 'migration', status, from, to, ...rest } = content as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string') throw new InputError(`${file}: 'name' is no text.`);
  const slots = (status as { readonly slots?: unknown } | false | undefined | null) || undefined;
  const schedule = rest as unknown as MigrationSchedule;
  return {
    file,
    name,
    table: inFile(file, () => new TimeTable(schedule)),
    schedule,
    slots: typeof slots?.slots === 'number' ? slots.slots : undefined,
    open: async () => {
      if (from === undefined || to === undefined) return undefined;
      const older = await poolOf(file, 'from', from);
      return { from: older, to: await poolOf(file, 'to', to) };
    },
  };
}

async function poolOf(file: string, name: 'from' | 'to', given: unknown): Promise<Store> {
  const value: unknown = typeof given === 'function' ? await (given as () => unknown)() : given;
  if (isStore(value)) return value;
  if (typeof value !== 'object' || value === null)
    throw new InputError(`${file}: '${name}' is neither options of memcached nor a store.`);
  // A journal on disk belongs to the process that serves.
  const options = { ...(value as MemcachedOptions), journal: false } as const;
  return inFile(`${file}: '${name}'`, () => memcached(options));
}

/** What is wrong with an option is wrong in the file, not on the command line. */
function inFile<T>(file: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof CisternError) throw new InputError(`${file}: ${error.message}`);
    throw error;
  }
}
