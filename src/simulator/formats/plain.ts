import {
  type LineParser,
  shareOf,
  read,
  type TraceFormat,
  unknownSize,
  unknownTime,
} from '../trace-format.ts';

/** A key per line, perhaps with its size in bytes: what most published traces can be turned into. */
export const plain: TraceFormat = {
  name: 'plain',
  title: 'one key per line, or key,size',
  example: 'user:7,512',
  likeness: (lines) => shareOf(lines, /^[^\s,]+(?:,\d+)?$/),
  parser: (): LineParser => ({
    line(text, sink) {
      const comma = text.indexOf(',');
      const key = comma < 0 ? text : text.slice(0, comma);
      if (key === '') return 'has no key';
      if (key.includes(' ') || key.includes('\t')) return 'has a blank in its key';
      let size = unknownSize;
      if (comma >= 0) {
        const digits = text.slice(comma + 1);
        if (!/^\d{1,15}$/.test(digits)) return `has ${digits === '' ? 'nothing' : 'no size'} after the comma`;
        size = Number(digits);
      }
      sink.request(key, read, size, unknownTime);
      return undefined;
    },
  }),
};

/** A key per line, whatever is in it. Only by name: any text would look like it. */
export const keys: TraceFormat = {
  name: 'keys',
  title: 'one key per line, commas and blanks belonging to it',
  example: 'user 7, basket',
  likeness: () => 0,
  parser: (): LineParser => ({
    line(text, sink) {
      sink.request(text, read, unknownSize, unknownTime);
      return undefined;
    },
  }),
};
