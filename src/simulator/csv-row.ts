import Papa from 'papaparse';

/** Rows of CSV (RFC 4180), one per line: a quoted field may hold the delimiter and quotes, but no end of a line. */

const delimiters = [',', ';', '\t', '|'];

/** The fields of a line, or `undefined` where its quotes do not close. */
export function readRow(line: string, delimiter: string): readonly string[] | undefined {
  // Nearly all lines of a trace have no quotes.
  if (!line.includes('"')) return line.split(delimiter);
  const { data, errors } = Papa.parse<string[]>(line, { delimiter, newline: '\n' });
  return errors.length === 0 && data.length === 1 ? data[0] : undefined;
}

/** The line without its end. Fields are quoted where they must be. */
export function writeRow(fields: readonly (string | number)[]): string {
  return Papa.unparse([fields as (string | number)[]]);
}

/** The delimiter that these first lines seem to have, `,` if none shows. */
export function guessDelimiter(lines: readonly string[]): string {
  const { meta } = Papa.parse<string[]>(lines.join('\n'), { delimitersToGuess: delimiters, preview: 20 });
  return delimiters.includes(meta.delimiter) ? meta.delimiter : ',';
}
