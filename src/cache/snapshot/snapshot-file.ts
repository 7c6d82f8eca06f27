import { asError, CisternError } from '../../core/error.ts';
import { crc32, type OpenFile } from '../../core/runtime.ts';
import {
  checkPreamble,
  cutOff,
  decodeEnd,
  headerBytes,
  kinds,
  preambleBytes,
  type SnapshotEnd,
  unusable,
} from './snapshot-layout.ts';

/** Read at once while a file is checked: bytes. */
const piece = 262_144;

interface BlockPlace {
  readonly kind: number;
  /** Of the content. */
  readonly at: number;
  readonly length: number;
}

/** A snapshot all of whose checksums are right. */
export class SnapshotFile {
  readonly end: SnapshotEnd;
  readonly #path: string;
  readonly #file: OpenFile;
  readonly #blocks: readonly BlockPlace[];

  private constructor(path: string, file: OpenFile, blocks: readonly BlockPlace[], end: SnapshotEnd) {
    this.#path = path;
    this.#file = file;
    this.#blocks = blocks;
    this.end = end;
  }

  /** Reads the whole file once. Throws `CISTERN_SNAPSHOT` unless all of it is as it was written. */
  static async checked(path: string, file: OpenFile): Promise<SnapshotFile> {
    const begin = await read(path, file, 0, preambleBytes, true);
    checkPreamble(path, begin);
    let crc = crc32(begin.subarray(0, preambleBytes - 4));
    if (begin.readUInt32BE(preambleBytes - 4) !== crc) throw damaged(path, 0);
    const blocks: BlockPlace[] = [];
    for (let at = preambleBytes; at < file.bytes;) {
      const header = await read(path, file, at, headerBytes);
      const kind = header[0]!;
      const length = header.readUInt32BE(1);
      const end = at + headerBytes + length;
      // Its length may be what is damaged: which of the two it is cannot be told.
      if (end > file.bytes) throw unusable(path, `is cut off, or damaged at byte ${at}`);
      crc = crc32(header.subarray(0, 5), crc);
      for (let from = at + headerBytes; from < end; from += piece)
        crc = crc32(await read(path, file, from, Math.min(piece, end - from)), crc);
      if (header.readUInt32BE(5) !== crc) throw damaged(path, at);
      blocks.push({ kind, at: at + headerBytes, length });
      if (kind === kinds.end) {
        if (end !== file.bytes) throw damaged(path, end);
        break;
      }
      at = end;
    }
    const last = blocks.at(-1);
    if (last?.kind !== kinds.end) throw cutOff(path);
    const end = await read(path, file, last.at, last.length);
    try {
      return new SnapshotFile(path, file, blocks, decodeEnd(end));
    } catch (error) {
      throw unusable(path, `is damaged at byte ${last.at}`, error);
    }
  }

  /** The contents of all blocks of a kind, in their order. */
  async *contents(kind: number): AsyncGenerator<Buffer> {
    for (const block of this.#blocks) {
      if (block.kind === kind) yield await read(this.#path, this.#file, block.at, block.length);
    }
  }
}

function damaged(path: string, at: number): CisternError<'CISTERN_SNAPSHOT'> {
  return unusable(path, `is damaged at byte ${at}`);
}

/** `less`: fewer bytes are an answer, too. */
async function read(
  path: string,
  file: OpenFile,
  from: number,
  length: number,
  less = false,
): Promise<Buffer> {
  let bytes: Uint8Array;
  try {
    bytes = await file.read(from, length);
  } catch (error) {
    throw unusable(path, `cannot be read: ${asError(error).message}`, error);
  }
  if (bytes.length < length && !less) throw cutOff(path);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
