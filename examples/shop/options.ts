import { parseArgs } from 'node:util';

/** What the command line asked for. */
export interface Options {
  readonly once: boolean;
  readonly json: boolean;
  /** How long each side is measured. */
  readonly seconds: number;
  readonly shoppers: number;
  /** The port of the shop that stays; undefined takes the usual one, or a free one if that is taken. */
  readonly port: number | undefined;
}

/** Something on the command line is wrong; the message says what. */
export class UsageError extends Error {}

export const usage = `npm start -- [options]

Starts a shop on a real PostgreSQL, sends the same shoppers to it without and with Cistern, shows the difference, and then
keeps serving until Ctrl-C.

  --once          measure, print, and end
  --json          with --once: print the figures as one line of JSON at the end
  --seconds N     measure each side for N seconds (1 to 600; default 10)
  --shoppers N    shoppers who visit at the same time (1 to 1000; default 48)
  --port N        port of the shop that stays (default 3000, or a free one if it is taken)
  --help          this text
`;

/** Reads the command line. Undefined: only the usage was asked for. */
export function readOptions(parameters: readonly string[]): Options | undefined {
  const values = parse(parameters);
  if (values.help === true) return undefined;
  const once = values.once ?? false;
  const json = values.json ?? false;
  if (json && !once) throw new UsageError(`'--json' needs '--once'.`);
  if (once && values.port !== undefined) throw new UsageError(`'--port' is of no use with '--once'.`);
  return {
    once,
    json,
    seconds: whole('--seconds', values.seconds ?? '10', 1, 600),
    shoppers: whole('--shoppers', values.shoppers ?? '48', 1, 1000),
    port: values.port === undefined ? undefined : whole('--port', values.port, 1, 65_535),
  };
}

interface Values {
  readonly once?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly help?: boolean | undefined;
  readonly seconds?: string | undefined;
  readonly shoppers?: string | undefined;
  readonly port?: string | undefined;
}

function parse(parameters: readonly string[]): Values {
  try {
    return parseArgs({
      args: [...parameters],
      options: {
        once: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        seconds: { type: 'string' },
        shoppers: { type: 'string' },
        port: { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function whole(option: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`'${option}' is '${text}', but must be a whole number from ${least} to ${most}.`);
}
