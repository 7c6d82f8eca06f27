import type { Scenario } from './scenario.ts';

/** Every scenario by its name; each is loaded only when it is asked for. */
export const scenarios: Readonly<Record<string, () => Promise<Scenario>>> = {
  'server-stop': async () => (await import('./server-fault.ts')).serverFault('stop'),
  'server-kill': async () => (await import('./server-fault.ts')).serverFault('kill'),
  'server-drop': async () => (await import('./server-fault.ts')).serverFault('drop'),
  gutter: async () => (await import('./gutter.ts')).scenario,
  mirror: async () => (await import('./mirror.ts')).scenario,
  migration: async () => (await import('./migration.ts')).scenario,
  're-add': async () => (await import('./re-add.ts')).scenario,
  journal: async () => (await import('./journal.ts')).scenario,
  'hot-keys': async () => (await import('./hot-keys.ts')).scenario,
};
