import { setTimeout as sleep } from 'node:timers/promises';
import { type Duration, milliseconds } from '../core/duration.ts';
import { wrongOption } from '../core/error.ts';
import { longestKey, type Operation, type Store } from '../core/store.ts';
import { migrating } from '../routes/migrating/migrating.ts';
import { type FlagValues, list, readArguments, text } from './command-arguments.ts';
import { type Command, InputError, UsageError } from './command.ts';
import { readConfiguration } from './configuration-file.ts';
import { readMigrationFile } from './migrate-file.ts';
import { goOffline } from './offline.ts';
import { checked, optionsInFile } from './proxy-arguments.ts';
import { isStore } from './store-module.ts';
import { named, storeOf } from './store-options.ts';
import { endsNowhere, stopJson, stopOf, treeLines } from './where-tree.ts';

const help = `cistern where <key> --config FILE | --servers LIST [options]

Prints the stores that a key passes, and the server that it comes to, for each
operation. Nothing is sent: no connection is opened. Names of hosts are looked up.

  --config FILE           the file of cistern proxy or of cistern migrate, or any
                          module that exports a store (as default or as 'store',
                          or a function that answers one)
  --servers LIST          memcached servers, for example 10.0.0.1:11211,10.0.0.2:11211
  --operations LIST       some of get, set, delete, touch, count (default all)
  --routing-key TEXT      what chooses the server in place of the key
  --life TIME             the life that set, touch and count give (default 1h)
  --connect               let connections be opened, for lists of servers that must
                          be asked for (ElastiCache)
  --json                  for programs: one line

Behind a store: 'also' it is told, too; 'fallback' it is asked when those before it
fail or miss; 'share' it is asked for some of the requests; and what it is asked
otherwise than the store before it.
`;

export const command: Command = { help, run };

const flags = {
  config: { type: 'string' },
  servers: { type: 'string' },
  operations: { type: 'string' },
  'routing-key': { type: 'string' },
  life: { type: 'string' },
  connect: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

const kinds = ['get', 'set', 'delete', 'touch', 'count'] as const;
type Kind = (typeof kinds)[number];

/** How long a list of servers is waited for, in milliseconds. */
const patience = 5000;

async function run(args: readonly string[]): Promise<number> {
  const { files: words, values } = readArguments(args, flags, 'Give a key.');
  const [key, more] = words;
  if (more !== undefined) throw new UsageError(`One key at a time: '${more}' is too much.`);
  const operations = operationsOf(checkedKey(key!), values);
  if (values['connect'] !== true) goOffline();
  const store = await storeAsked(values);
  try {
    await known(store, operations[0]!);
    const json = values['json'] === true;
    process.stdout.write(`${json ? jsonOf(store, key!, operations) : textOf(store, operations)}\n`);
    return 0;
  } finally {
    await store.close();
  }
}

function checkedKey(key: string): string {
  if (!/^[\x21-\x7e]+$/.test(key) || key.length > longestKey)
    throw new UsageError(
      `'${key}' is no key: a store takes 1 to ${longestKey} characters, printable and without spaces.`,
    );
  return key;
}

function operationsOf(key: string, values: FlagValues): readonly Operation[] {
  const asked = list(values, 'operations') ?? kinds;
  for (const each of asked)
    if (!kinds.includes(each as Kind)) throw wrongOption('operations', each, `some of ${kinds.join(', ')}`);
  const routingKey = text(values, 'routing-key');
  const life = {
    freshFor: milliseconds('life', (text(values, 'life') ?? '1h') as Duration),
    staleFor: 0,
  };
  const deadline = Number.POSITIVE_INFINITY;
  const address = { key, deadline, ...(routingKey === undefined ? undefined : { routingKey }) };
  const all: Readonly<Record<Kind, Operation>> = {
    get: { kind: 'get', ...address },
    set: { kind: 'set', mode: 'set', value: new Uint8Array(0), flags: 0, life, ...address },
    delete: { kind: 'delete', ...address },
    touch: { kind: 'touch', life, ...address },
    count: { kind: 'count', delta: 1n, initial: { value: 0n, life }, ...address },
  };
  return kinds.filter((kind) => asked.includes(kind)).map((kind) => all[kind]);
}

async function storeAsked(values: FlagValues): Promise<Store> {
  const [file, servers] = [text(values, 'config'), text(values, 'servers')];
  if ((file === undefined) === (servers === undefined))
    throw new UsageError('Give one of --config and --servers.');
  if (file === undefined) return await storeOf(checked({ servers }));
  // A module may export a migration by its name.
  const content = (await readConfiguration(file, 'store')) ?? (await readConfiguration(file, 'migration'));
  if (isStore(content)) return content;
  if (typeof content === 'object' && content !== null && 'schedule' in content)
    return await migrationIn(file);
  if (!file.endsWith('.json')) throw new InputError(`${file} exports no store and no migration.`);
  return await storeOf(checked(optionsInFile(file, content)));
}

async function migrationIn(file: string): Promise<Store> {
  const { name, schedule, open } = await readMigrationFile(file);
  const pools = await open();
  if (pools === undefined) throw new InputError(`${file} tells no pools: 'from' and 'to'.`);
  return await named(async () => migrating({ ...schedule, ...pools, name, status: false }));
}

/** Lists of servers that are read from files and names are known a moment later. */
async function known(store: Store, operation: Operation): Promise<void> {
  const last = performance.now() + patience;
  while (endsNowhere(store, operation)) {
    if (performance.now() > last)
      throw new InputError(
        `The servers of '${store.name}' are not known: its list has not told them within ${patience / 1000} s. One that must be asked for needs --connect.`,
      );
    await sleep(20);
  }
}

/** Operations that go the same way stand together. */
function textOf(store: Store, operations: readonly Operation[]): string {
  const groups = new Map<string, Operation['kind'][]>();
  for (const operation of operations) {
    const tree = treeLines(stopOf(store, operation), operation).join('\n  ');
    const group = groups.get(tree);
    if (group === undefined) groups.set(tree, [operation.kind]);
    else group.push(operation.kind);
  }
  return [...groups].map(([tree, names]) => `${names.join(', ')}\n  ${tree}`).join('\n\n');
}

function jsonOf(store: Store, key: string, operations: readonly Operation[]): string {
  const ways = operations.map((operation) => [operation.kind, stopJson(stopOf(store, operation))]);
  return JSON.stringify({ key, operations: Object.fromEntries(ways) as unknown });
}
