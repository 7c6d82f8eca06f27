import { wrongOption } from '../../core/error.ts';
import type { Target } from '../../core/runtime.ts';

const allowed = "'host:port', '[IPv6 address]:port' or 'unix:/path'";

/** Reads the address of a server: `10.0.0.1:11211`, `cache.local:11211`, `[::1]:11211` or `unix:/run/memcached.sock`. */
export function readAddress(option: string, text: unknown): Target {
  if (typeof text !== 'string') throw wrongOption(option, text, allowed);
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    if (!path.startsWith('/') || path.includes('\0')) throw wrongOption(option, text, allowed);
    return { path };
  }
  const match = /^(?:\[([0-9a-fA-F:.%a-z]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || !(port >= 1 && port <= 65_535)) throw wrongOption(option, text, allowed);
  return { host: (match[1] ?? match[2])!, port };
}
