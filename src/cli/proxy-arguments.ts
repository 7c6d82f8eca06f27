import { parseArgs } from 'node:util';
import { wrongOption } from '../core/error.ts';
import { InputError, UsageError } from './command.ts';
import { readConfiguration } from './configuration-file.ts';

/** What was asked of the proxy, on the command line or in a file. Sizes and times are still to be read. */
export interface ProxyArguments {
  readonly servers: readonly string[] | undefined;
  readonly memorySize: string | undefined;
  /** A module that exports a store. */
  readonly config: string | undefined;
  readonly listen: readonly string[];
  readonly socketMode: number | undefined;
  readonly timeout: string | undefined;
  readonly poolName: string | undefined;
  readonly fence: boolean;
  readonly maxConnections: number | undefined;
  readonly maxPipelined: number | undefined;
  readonly maxValue: string | undefined;
  readonly idleTimeout: string | undefined;
  readonly drainTimeout: string | undefined;
  readonly flush: boolean;
}

const flags = {
  servers: { type: 'string' },
  memory: { type: 'string' },
  config: { type: 'string' },
  listen: { type: 'string' },
  'socket-mode': { type: 'string' },
  timeout: { type: 'string' },
  'pool-name': { type: 'string' },
  'no-fence': { type: 'boolean' },
  'max-connections': { type: 'string' },
  'max-pipelined': { type: 'string' },
  'max-value': { type: 'string' },
  'idle-timeout': { type: 'string' },
  'drain-timeout': { type: 'string' },
  'no-flush': { type: 'boolean' },
} as const;

type Values = Readonly<Partial<Record<keyof typeof flags, unknown>>>;

/** Reads the command line; a `.json` file gives what it does not say. */
export async function readProxyArguments(args: readonly string[]): Promise<ProxyArguments> {
  let values: Values;
  try {
    values = parseArgs({ args: [...args], options: flags, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError((error as Error).message.split('. ')[0]!.replace(/\.?$/, '.'));
  }
  const file = values.config;
  if (typeof file !== 'string' || !file.endsWith('.json')) return checked(values);
  const { config: _file, ...given } = values;
  return checked({ ...optionsInFile(file, await readConfiguration(file, 'store')), ...given });
}

/** The options that a file gives by their names on the command line. */
export function optionsInFile(file: string, options: unknown): Values {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new InputError(`${file} is no object of options.`);
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(flags, name) || name === 'config')
      throw new InputError(`${file} has an option '${name}', which there is not.`);
  }
  return options as Values;
}

/** Options by their names, from wherever they come. */
export function checked(values: Values): ProxyArguments {
  return {
    servers: list(values, 'servers'),
    memorySize: text(values, 'memory'),
    config: text(values, 'config'),
    listen: list(values, 'listen') ?? ['127.0.0.1:11211'],
    socketMode: mode(text(values, 'socket-mode')),
    timeout: text(values, 'timeout'),
    poolName: text(values, 'pool-name'),
    fence: !switched(values, 'no-fence'),
    maxConnections: whole(values, 'max-connections'),
    maxPipelined: whole(values, 'max-pipelined'),
    maxValue: text(values, 'max-value'),
    idleTimeout: text(values, 'idle-timeout'),
    drainTimeout: text(values, 'drain-timeout'),
    flush: !switched(values, 'no-flush'),
  };
}

function text(values: Values, name: keyof typeof flags): string | undefined {
  const value = values[name];
  if (value === undefined || typeof value === 'string') return value;
  throw wrongOption(name, value, 'a text');
}

/** `a,b` on the command line; a file may have an array. */
function list(values: Values, name: keyof typeof flags): readonly string[] | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  const parts: readonly unknown[] =
    typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : [];
  const names = parts.map((part) => String(part).trim()).filter((part) => part !== '');
  if (names.length === 0) throw wrongOption(name, value, 'a list with commas');
  return names;
}

function whole(values: Values, name: keyof typeof flags): number | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (!Number.isInteger(number)) throw wrongOption(name, value, 'a whole number from 1');
  return number as number;
}

function switched(values: Values, name: keyof typeof flags): boolean {
  const value = values[name] ?? false;
  if (typeof value !== 'boolean') throw wrongOption(name, value, 'true or false');
  return value;
}

function mode(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (!/^0?[0-7]{3}$/.test(given)) throw wrongOption('socket-mode', given, 'three octal digits, such as 770');
  return Number.parseInt(given, 8);
}
