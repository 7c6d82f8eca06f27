import { CisternError } from '../core/error.ts';
import { complaints } from '../wire/memcached-server/request-line.ts';

const longest = 400;

/** The line that tells a client why its request failed, in the server's own words where there are such. */
export function failureText(error: Error): string {
  if (error instanceof CisternError) {
    if (error.code === 'CISTERN_TOO_LARGE') return complaints.tooLarge;
    if (error.code === 'CISTERN_SERVER') {
      const { line } = (error as CisternError<'CISTERN_SERVER'>).details;
      for (const known of [complaints.tooLarge, complaints.noMemory])
        if (line.startsWith(known)) return known;
      if (/^(?:CLIENT|SERVER)_ERROR /.test(line)) return printable(line);
    }
    if (error.code === 'CISTERN_OPTION') {
      const { option, allowed } = (error as CisternError<'CISTERN_OPTION'>).details;
      return printable(`CLIENT_ERROR ${option} must be ${allowed} in the store behind this proxy`);
    }
    return printable(`SERVER_ERROR ${error.code}: ${error.message}`);
  }
  return printable(`SERVER_ERROR ${error.message}`);
}

/** One line, and no more than a client reads. */
function printable(text: string): string {
  return text.replace(/[^ -~]/g, '?').slice(0, longest);
}
