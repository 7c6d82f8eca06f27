import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Events } from '../../src/index.ts';
import type { Ends } from './servers.ts';

/** One event, and when it was told. */
export type Told<K extends keyof Events> = Events[K] & { readonly at: number };

/** Everything of one kind that Cistern tells while the run lasts. */
export function listen<K extends keyof Events>(kind: K, ends: Ends): readonly Told<K>[] {
  const told: Told<K>[] = [];
  const listener = (message: unknown): void => {
    told.push({ ...(message as Events[K]), at: performance.now() });
  };
  subscribe(`cistern:${kind}`, listener);
  ends.add(listener, (made) => unsubscribe(`cistern:${kind}`, made));
  return told;
}
