/** What a server can do, by its version. */
export interface ServerFeatures {
  /** The meta commands in their final form: 1.6.10. Before, `HD` was `OK` and `ms` was written otherwise. */
  readonly meta: boolean;
  /** Flag `c` tells the truth: 1.6.13. */
  readonly cas: boolean;
}

/** Of a server that hides its version (a proxy, a fork): the present protocol is assumed. */
export const presentFeatures: ServerFeatures = { meta: true, cas: true };

/** Reads the answer to `version`. An unknown form counts as a present server. Source: memcached's release notes. */
export function readVersion(words: string): ServerFeatures {
  const match = /^VERSION (\d+)\.(\d+)\.(\d+)/.exec(words);
  if (match === null) return presentFeatures;
  const [major, minor, patch] = match.slice(1).map(Number) as [number, number, number];
  const version = (major * 1000 + minor) * 1000 + patch;
  return { meta: version >= 1_006_010, cas: version >= 1_006_013 };
}
