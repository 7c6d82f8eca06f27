import { digest256 } from '../core/runtime.ts';
import { longestKey } from '../core/store.ts';

/** In front of a name that is made of a key's bytes, and of one that is made of their hash. */
const bytesMark = '~b:';
const hashMark = '~h:';

/**
 * The name under which a client's key is kept. Keys of the contract are printable ASCII of at most 160 characters, and so are
 * nearly all keys of clients: these are their own names, so that the proxy and those who ask the servers by themselves mean
 * the same entries. Any other key (longer, or with other bytes) is named by its bytes in base64url, or where that is too
 * long by the 256 bits of their SHA-256: no two keys will ever be found that share one. `key` is Latin-1.
 */
export function keyName(key: string, printable: boolean): string {
  if (printable && key.length <= longestKey && !isMarked(key)) return key;
  const name = bytesMark + Buffer.from(key, 'latin1').toString('base64url');
  return name.length <= longestKey ? name : hashMark + digest256(key);
}

function isMarked(key: string): boolean {
  return key.charCodeAt(0) === 0x7e && (key.startsWith(bytesMark) || key.startsWith(hashMark));
}
