import { crc32 } from '../../core/runtime.ts';
import type { LostKind, LostWrite } from './lost-write.ts';

/**
 * The journal's file: lines of printable text, each a CRC-32 in 8 hexadecimal digits, a space, and a JSON array. What a line says holds from
 * there on: the last one of a key counts.
 *
 *     d5f16caf ["cistern journal",1]
 *     ........ ["lost","10.0.0.1:11211","user:7","delete","no",1764115200000]
 *     ........ ["repaired","10.0.0.1:11211","user:7"]
 *
 * A routing key and the number of a copy stand at the end of a `lost` line that has them.
 */
export type JournalLine =
  | { readonly says: 'header' }
  | { readonly says: 'lost'; readonly server: string; readonly lost: LostWrite }
  | { readonly says: 'repaired'; readonly server: string; readonly key: string }
  /** There was no room: the server must have a new incarnation, and what it was owed before this line is covered by that. */
  | { readonly says: 'fence'; readonly server: string }
  /** It has one. What it was owed since stays. */
  | { readonly says: 'fenced'; readonly server: string };

const version = 1;
const title = 'cistern journal';

/** A line with its end. */
export function encodeLine(line: JournalLine): string {
  const text = JSON.stringify(valuesOf(line));
  return `${checksum(text)} ${text}\n`;
}

function valuesOf(line: JournalLine): readonly unknown[] {
  switch (line.says) {
    case 'header':
      return [title, version];
    case 'lost': {
      const { key, kind, applied, since, routingKey, copy } = line.lost;
      const values: unknown[] = ['lost', line.server, key, kind, applied, since];
      if (routingKey !== undefined || copy !== undefined) values.push(routingKey ?? null);
      if (copy !== undefined) values.push(copy);
      return values;
    }
    case 'repaired':
      return ['repaired', line.server, line.key];
    default:
      return [line.says, line.server];
  }
}

/** What a line without its end says; `undefined` for a damaged one. */
export function decodeLine(line: string): JournalLine | undefined {
  const text = line.slice(9);
  if (line[8] !== ' ' || line.slice(0, 8) !== checksum(text)) return undefined;
  try {
    return readValues(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The checksum says that this was written; this, that it was written by a version that we understand. */
function readValues(values: unknown): JournalLine | undefined {
  if (!Array.isArray(values)) return undefined;
  const [says, server, key, kind, applied, since, routingKey, copy] = values as unknown[];
  if (says === title) return server === version ? { says: 'header' } : undefined;
  if (typeof server !== 'string') return undefined;
  if (says === 'fence' || says === 'fenced') return { says, server };
  if (typeof key !== 'string') return undefined;
  if (says === 'repaired') return { says, server, key };
  if (says !== 'lost' || !isKind(kind) || (applied !== 'no' && applied !== 'unknown')) return undefined;
  if (typeof since !== 'number') return undefined;
  return {
    says,
    server,
    lost: {
      key,
      kind,
      applied,
      since,
      routingKey: typeof routingKey === 'string' ? routingKey : undefined,
      copy: typeof copy === 'number' ? copy : undefined,
    },
  };
}

function isKind(kind: unknown): kind is LostKind {
  return kind === 'delete' || kind === 'touch' || kind === 'set';
}

const bytes = new TextEncoder();

function checksum(text: string): string {
  return crc32(bytes.encode(text)).toString(16).padStart(8, '0');
}
