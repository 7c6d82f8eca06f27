import { readFile } from 'node:fs/promises';
import { InputError } from './command.ts';
import { loadExport } from './store-module.ts';

/**
 * What a configuration file says: the content of a `.json` file, or what a .js, .mjs or .ts module exports, as default or under this
 * name; of a function, what it answers. Every command that takes a file reads it here.
 */
export async function readConfiguration(file: string, name: string): Promise<unknown> {
  return file.endsWith('.json') ? await readJson(file) : await loadExport(file, name);
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new InputError(`${file} cannot be read: ${(error as Error).message}`);
  }
}
