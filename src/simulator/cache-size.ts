import { type Bytes, bytes } from '../core/bytes.ts';
import { wrongOption } from '../core/error.ts';

/** How large a cache is, as users say it: `0.1%` of the keys, `5000` entries, `64mb`. */
export type CacheSize =
  | { readonly unit: 'entries'; readonly entries: number; readonly text: string }
  | { readonly unit: 'entries'; readonly share: number; readonly text: string }
  | { readonly unit: 'bytes'; readonly bytes: number; readonly text: string };

export function parseCacheSize(option: string, text: string): CacheSize {
  const share = /^(\d+(?:\.\d+)?)%$/.exec(text);
  if (share !== null) {
    const percent = Number(share[1]);
    if (!(percent > 0 && percent <= 100)) throw wrongOption(option, text, 'above 0% and at most 100%');
    return { unit: 'entries', share: percent / 100, text };
  }
  if (/^\d+$/.test(text)) {
    const entries = Number(text);
    if (!(entries >= 1 && entries <= 0x7fff_ffff))
      throw wrongOption(option, text, 'from 1 to 2147483647 entries');
    return { unit: 'entries', entries, text };
  }
  if (/^\d+(\.\d+)?[kmg]?b$/i.test(text)) return { unit: 'bytes', bytes: bytes(option, text as Bytes), text };
  throw wrongOption(
    option,
    text,
    "a share of the keys ('0.1%'), a number of entries ('5000') or a size ('64mb')",
  );
}

/** The entries or bytes of a size for a trace with so many keys. At least 1. */
export function amountOf(size: CacheSize, keys: number): number {
  if (size.unit === 'bytes') return size.bytes;
  return 'share' in size ? Math.max(1, Math.round(size.share * keys)) : size.entries;
}
