import { realRuntime } from '../core/runtime.ts';
import { readStatuses } from '../routes/migrating/status-board.ts';
import { readArguments } from './command-arguments.ts';
import { type Command, InputError, UsageError } from './command.ts';
import { type MigrationFile, readMigrationFile } from './migrate-file.ts';
import { planJson, planText } from './migrate-plan.ts';
import { statusJson, statusText } from './migrate-status.ts';

const help = `cistern migrate plan <file> [--json]
cistern migrate status <file> [--json]

A pool of cache servers is moved to another one while it serves, in stages that
begin at the times of a table. The file is the one from which every process
reads that table: a .json file, or a .js, .mjs or .ts module that exports it
(as default or as 'migration').

  plan      checks the table, and tells what happens when
  status    tells the stage and the clock of each process, the hit ratio of both
            pools, and what is not as it should be; needs 'from' and 'to' in the
            file: options of memcached, or a store

  --json    for programs: the plan in one line; the status as one line per
            process and one for all
`;

export const command: Command = { help, run };

const flags = { json: { type: 'boolean' } } as const;

async function run(args: readonly string[]): Promise<number> {
  const { files: words, values } = readArguments(args, flags);
  const [what, file, more] = words;
  if (what !== 'plan' && what !== 'status') throw new UsageError(`There is no 'cistern migrate ${what}'.`);
  if (file === undefined || more !== undefined) throw new UsageError('Give one file.');
  const migration = await readMigrationFile(file);
  const json = values['json'] === true;
  return what === 'plan' ? plan(migration, json) : await status(migration, json);
}

function plan({ name, table }: MigrationFile, json: boolean): number {
  const text = json ? planJson : planText;
  process.stdout.write(`${text(name, table, Date.now())}\n`);
  return 0;
}

async function status({ file, name, table, slots, open }: MigrationFile, json: boolean): Promise<number> {
  const pools = await open();
  if (pools === undefined) throw new InputError(`${file} tells no pools: 'from' and 'to'.`);
  try {
    const { processes, failed } = await readStatuses(name, pools, realRuntime, slots);
    const now = Date.now();
    for (const pool of failed) process.stderr.write(`cistern: the pool '${pool}' does not answer\n`);
    process.stdout.write(
      `${json ? statusJson(table, processes, failed, now) : statusText(name, table, processes, now)}\n`,
    );
    return failed.length === 2 ? 1 : 0;
  } finally {
    await Promise.all([pools.from.close(), pools.to.close()]);
  }
}
