import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Store } from '../core/store.ts';
import { InputError } from './command.ts';

/**
 * The store that a module of the user exports: as default or as `store`, or a function under one of these names that answers one. The
 * one place where the program loads code that it does not have itself.
 */
export async function loadStore(file: string): Promise<Store> {
  let exported: Readonly<Record<string, unknown>>;
  let value: unknown;
  try {
    exported = (await import(pathToFileURL(resolve(file)).href)) as typeof exported;
    value = exported['default'] ?? exported['store'];
    if (typeof value === 'function') value = await (value as () => unknown)();
  } catch (error) {
    throw new InputError(
      `${file} cannot be loaded: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (!isStore(value)) throw new InputError(`${file} exports no store, as default or as 'store'.`);
  return value;
}

function isStore(value: unknown): value is Store {
  if (typeof value !== 'object' || value === null) return false;
  const { execute, close, parts, name } = value as Partial<Store>;
  return (
    typeof execute === 'function' &&
    typeof close === 'function' &&
    Array.isArray(parts) &&
    typeof name === 'string'
  );
}
