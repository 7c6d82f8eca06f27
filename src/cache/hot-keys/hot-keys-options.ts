import { type Duration, milliseconds } from '../../core/duration.ts';
import { wrongOption } from '../../core/error.ts';
import type { HotKeySet } from '../../core/hot-key-set.ts';
import { checkedName, checkedObject, count } from '../options.ts';

/** Finding keys that are asked for very often, and treating them in another way. */
export interface HotKeysOptions {
  /** Requests per second, in this process, from which a key is hot. It stays so until it has half as many. Default 100. */
  readonly above?: number;
  /** The names of the caches that take part. Default: all. */
  readonly caches?: readonly string[];
  /**
   * How long the near tier answers a hot key of a cache with `near: false` without asking the remote tier: how old a value may
   * be that another process has changed. 0: such keys are not kept. Default `'1s'`.
   */
  readonly nearTtl?: Duration;
  /** How many keys may be hot at once: the hottest. Default 100. */
  readonly most?: number;
  /** Where the names of hot keys are put, for a route that splits them. */
  readonly split?: HotKeySet;
}

/** The same, checked, with the defaults; spans in milliseconds. */
export interface HotKeysSettings {
  readonly above: number;
  /** `undefined`: all. */
  readonly caches: readonly string[] | undefined;
  readonly nearTtl: number;
  readonly most: number;
  /** Whether a route is told. */
  readonly split: boolean;
}

/** `undefined`: none are looked for. Throws `CISTERN_OPTION`. */
export function checkedHotKeys(options: HotKeysOptions | undefined): HotKeysSettings | undefined {
  if (options === undefined) return undefined;
  checkedObject('hotKeys', options, ['above', 'caches', 'nearTtl', 'most', 'split']);
  const { above = 100, caches, split } = options;
  if (!(above >= 1 && above <= 1_000_000))
    throw wrongOption('hotKeys.above', above, 'requests per second from 1 to 1000000');
  if (caches !== undefined && !Array.isArray(caches))
    throw wrongOption('hotKeys.caches', caches, 'a list of names of caches');
  if (split !== undefined && (typeof split.has !== 'function' || typeof split.add !== 'function'))
    throw wrongOption('hotKeys.split', split, 'a set that hotKeySet() makes');
  return {
    above,
    caches: caches?.map((name, index) => checkedName(`hotKeys.caches[${index}]`, name)),
    nearTtl: milliseconds('hotKeys.nearTtl', options.nearTtl ?? 1000, { least: 0, most: 60_000 }),
    most: count('hotKeys.most', options.most ?? 100, 1, 10_000),
    split: split !== undefined,
  };
}
