import { wrongOption } from '../core/error.ts';
import type { Store } from '../core/store.ts';

/** An object of options without misspelt names or nulls: `CISTERN_OPTION` names the first one. */
export function checkedOptions(value: unknown, known: readonly string[]): void {
  if (typeof value !== 'object' || value === null) throw wrongOption('options', value, 'an object');
  for (const [name, given] of Object.entries(value)) {
    if (!known.includes(name)) throw wrongOption(name, given, `left out: known are ${known.join(', ')}`);
    // Some mean "none" by it, some "the default".
    if (given === null) throw wrongOption(name, given, 'a value, or left out for the default');
  }
}

/** A store, as a part of a route. */
export function checkedPart(option: string, value: unknown): Store {
  const part = value as Store | null | undefined;
  const isStore =
    typeof part === 'object' &&
    part !== null &&
    typeof part.execute === 'function' &&
    typeof part.close === 'function';
  if (!isStore) throw wrongOption(option, value, 'a store, as memcached() or memory() make them');
  return part;
}

/** Stores for a route that needs at least one, each of them once. */
export function checkedParts(option: string, value: unknown): readonly Store[] {
  if (!Array.isArray(value) || value.length === 0)
    throw wrongOption(option, value, 'an array of at least one store (nothing() keeps nothing)');
  const parts = value.map((part, index) => checkedPart(`${option}[${index}]`, part));
  const twice = parts.findIndex((part, index) => parts.indexOf(part) !== index);
  if (twice >= 0)
    throw wrongOption(
      `${option}[${twice}]`,
      parts[twice],
      'another store than those before it: what one has lost, it cannot give',
    );
  return parts;
}

/** The name of a route: for errors, events and `cistern where`. */
export function checkedName(value: unknown, fallback: string): string {
  if (value === undefined) return fallback;
  if (typeof value !== 'string' || value === '') throw wrongOption('name', value, 'a text that is not empty');
  return value;
}

/** A share of something. */
export function checkedShare(option: string, value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1))
    throw wrongOption(option, value, 'a number from 0 to 1');
  return value;
}

/** A whole number in a range. */
export function checkedCount(option: string, value: unknown, least: number, most: number): number {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most)
    throw wrongOption(option, value, `a whole number from ${least} to ${most}`);
  return value as number;
}

/** One of some words. */
export function checkedChoice<T extends string>(option: string, value: T, allowed: readonly T[]): T {
  if (!allowed.includes(value))
    throw wrongOption(option, value, `one of ${allowed.map((each) => `'${each}'`).join(', ')}`);
  return value;
}

export function checkedFlag(option: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw wrongOption(option, value, 'true or false');
  return value;
}
