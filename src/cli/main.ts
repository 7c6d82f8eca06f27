#!/usr/bin/env node
import { CisternError } from '../core/error.ts';
import { type Command, InputError, UsageError } from './command.ts';

interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: Command }>;
}

const commands: Readonly<Record<string, CommandEntry>> = {
  migrate: {
    summary: 'the plan of moving a pool of servers, and how it stands',
    load: () => import('./migrate.ts'),
  },
  proxy: {
    summary: 'a store served over the memcached protocol, for other languages and many processes',
    load: () => import('./proxy.ts'),
  },
  simulate: {
    summary: 'the hit ratio of eviction policies and cache sizes on your own requests',
    load: () => import('./simulate.ts'),
  },
  size: {
    summary: 'how large a cache should be, and what is wrong with its keys',
    load: () => import('./size.ts'),
  },
  where: {
    summary: 'the servers that a key goes to, without sending anything',
    load: () => import('./where.ts'),
  },
};

const help = `cistern <command> [options]

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`)
  .join('\n')}

cistern <command> --help tells the options of a command.
`;

// A reader that has seen enough (head, less) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const [name, ...others] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    (name === undefined ? process.stderr : process.stdout).write(help);
    return name === undefined ? 2 : 0;
  }
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry === undefined) return complain(`There is no command '${name}'.`, help, 2);
  try {
    const { command } = await entry.load();
    if (others.some((each) => each === '--help' || each === '-h')) {
      process.stdout.write(command.help);
      return 0;
    }
    return await command.run(others);
  } catch (error) {
    const hint = `See cistern ${name} --help.\n`;
    if (error instanceof UsageError) return complain(error.message, hint, 2);
    if (error instanceof InputError) return complain(error.message, '', 1);
    if (error instanceof CisternError && error.code === 'CISTERN_OPTION') {
      const { option, value, allowed } = (error as CisternError<'CISTERN_OPTION'>).details;
      return complain(`--${option} is '${String(value)}', but must be ${allowed}.`, hint, 2);
    }
    throw error;
  }
}

function complain(message: string, hint: string, code: number): number {
  process.stderr.write(`cistern: ${message}\n${hint}`);
  return code;
}
