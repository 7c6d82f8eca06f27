import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Store } from '../core/store.ts';
import { InputError } from './command.ts';

/**
 * The store that a module of the user exports: as default or as `store`, or a function under one of these names that answers one. The
 * one place where the program loads code that it does not have itself.
 */
export async function loadStore(file: string): Promise<Store> {
  const value = await loadExport(file, 'store');
  if (!isStore(value)) throw new InputError(`${file} exports no store, as default or as 'store'.`);
  return value;
}

/** What a module of the user exports, as default or under a name; of a function, what it answers. */
export async function loadExport(file: string, name: string): Promise<unknown> {
  try {
    const exported = (await import(pathToFileURL(resolve(file)).href)) as Readonly<Record<string, unknown>>;
    const value = exported['default'] ?? exported[name];
    return typeof value === 'function' ? await (value as () => unknown)() : value;
  } catch (error) {
    throw new InputError(
      `${file} cannot be loaded: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

export function isStore(value: unknown): value is Store {
  if (typeof value !== 'object' || value === null) return false;
  const { execute, close, parts, name } = value as Partial<Store>;
  return (
    typeof execute === 'function' &&
    typeof close === 'function' &&
    Array.isArray(parts) &&
    typeof name === 'string'
  );
}
