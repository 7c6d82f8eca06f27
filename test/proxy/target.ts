import type { Target } from '../../src/core/runtime.ts';

/** An address as `addresses` of a proxy and of test servers tell it. */
export function parseTarget(address: string): Target {
  if (address.startsWith('unix:')) return { path: address.slice('unix:'.length) };
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
