import {
  type LineParser,
  shareOf,
  read,
  type TraceFormat,
  unknownSize,
  unknownTime,
} from '../trace-format.ts';
import { decodedKey, fieldOf } from './memcached-field.ts';

/**
 * What memcached answers to `lru_crawler metadump all`: each stored item once. Its size is the whole item's, with key and header;
 * its time is that of the last access, in seconds.
 */
export const memcachedMetadump: TraceFormat = {
  name: 'memcached-metadump',
  title: "memcached's list of items (lru_crawler metadump all)",
  example: 'key=user%3A7 exp=-1 la=1795655802 cas=8 fetch=no cls=1 size=70',
  census: true,
  likeness: (lines) => shareOf(lines, /^key=\S+ exp=-?\d+ la=\d+ /),
  parser: (): LineParser => ({
    line(text, sink) {
      if (text === 'END' || text === 'OK') return undefined;
      const encoded = fieldOf(text, 'key=');
      if (encoded === undefined || encoded === '') return 'has no key';
      const size = Number(fieldOf(text, 'size='));
      const last = Number(fieldOf(text, 'la='));
      if (!(size > 0)) return 'has no size';
      sink.request(
        decodedKey(encoded),
        read,
        Number.isSafeInteger(size) ? size : unknownSize,
        Number.isNaN(last) ? unknownTime : last * 1000,
      );
      return undefined;
    },
  }),
};
