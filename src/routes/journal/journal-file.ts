import { asError } from '../../core/error.ts';
import type { FileLock, Runtime, Timer } from '../../core/runtime.ts';
import { decodeLine, encodeLine, type JournalLine } from './journal-line.ts';

/** What the file needs of the journal that it belongs to. */
export interface JournalContent {
  /** What the file would say if it were written anew. Read bit by bit; it may change meanwhile, each change is appended too. */
  lines(): Iterable<JournalLine>;
  /** About how many lines that are. */
  readonly size: number;
  /** The file cannot be written (any more), or can be again; somebody else has taken it. */
  told(state: 'unwritable' | 'writable' | 'taken-over', error?: Error): void;
}

/** What was wrong with a file that was read. */
export interface Damage {
  /** Lines that were written whole and cannot be read: whatever they said is not known. */
  readonly lines: number;
  /** The file ends in the middle of a line: the process died while it wrote, and nobody had been told that it was written. */
  readonly torn: boolean;
  /** No line looks as if a journal had written it: somebody has named the wrong file. */
  readonly foreign: boolean;
}

const ours = /^[0-9a-f]{8} \["/;

/** Read, or made to be written, without a pause: more would hold the event loop up. */
const pieceBytes = 16_384;
const pieceLines = 128;
/** A line that is longer was never written. */
const longestLine = 8192;
/** More lines than this do not wait for a disk that hangs, if the journal itself is smaller: the file is then written anew. */
const mostWaiting = 10_000;
/** Smaller files are not worth writing anew. */
const leastRewrite = 262_144;
/** A file is written anew when it has this many times the lines that it needs. */
const mostLines = 4;
/** Between attempts to write again, in milliseconds. */
const shortestPause = 1000;
const longestPause = 30_000;

/**
 * The file of a journal: only appended to, and written anew (aside, then renamed) when most of it is settled. One thing at a time; what is
 * appended in one turn of the event loop, or while another write is under way, travels together. It is handed to the system, not synced: it
 * outlives the process, not the machine.
 *
 * A file that could not be appended to may end in half a line, so it is not appended to again: from then on everything is in memory alone,
 * and the whole file is written anew as soon as that succeeds.
 */
export class JournalFile {
  readonly #path: string;
  readonly #runtime: Runtime;
  readonly #content: JournalContent;
  readonly #lock: FileLock;
  #gathered: JournalLine[] = [];
  /** Too many waited, and the journal says the same in fewer lines. */
  #anew = false;
  /** Of the batch that is gathered; fulfilled when it is written, or cannot be. */
  #written: PromiseWithResolvers<void> | undefined;
  #writing = true;
  #bytes = 0;
  #lines = 0;
  #state: 'good' | 'unwritable' | 'closed' = 'good';
  #failures = 0;
  #retry: Timer | undefined;
  #idle: (() => void) | undefined;

  /** Throws when another process has it. Nothing is written until it was read. */
  constructor(path: string, runtime: Runtime, content: JournalContent) {
    this.#path = path;
    this.#runtime = runtime;
    this.#content = content;
    this.#lock = runtime.files.lock(path);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get writable(): boolean {
    return this.#state === 'good';
  }

  /** Reads the file, once, in pieces. Rejects when there is one and it cannot be read. */
  async read(take: (line: JournalLine) => void): Promise<Damage> {
    const file = await this.#runtime.files.open(this.#path);
    if (file === undefined) return { lines: 0, torn: false, foreign: false };
    const decoder = new TextDecoder();
    let damaged = 0;
    let foreign = true;
    let rest = new Uint8Array(0);
    /** In a line that is too long to be one: the rest of it is not kept. */
    let skips = false;
    const takeLine = (bytes: Uint8Array): void => {
      const text = bytes.length > longestLine ? '' : decoder.decode(bytes);
      const line = decodeLine(text);
      this.#lines++;
      foreign &&= !ours.test(text);
      if (line === undefined) damaged++;
      else take(line);
    };
    try {
      for (let from = 0; from < file.bytes; from += pieceBytes) {
        const piece = await file.read(from, Math.min(pieceBytes, file.bytes - from));
        const joined = new Uint8Array(rest.length + piece.length);
        joined.set(rest);
        joined.set(piece, rest.length);
        let begin = 0;
        for (let end = joined.indexOf(10); end !== -1; end = joined.indexOf(10, begin)) {
          if (!skips) takeLine(joined.subarray(begin, end));
          skips = false;
          begin = end + 1;
        }
        rest = skips ? joined.slice(joined.length) : joined.slice(begin);
        if (rest.length <= longestLine) continue;
        takeLine(rest);
        skips = true;
        rest = new Uint8Array(0);
      }
    } finally {
      await file.close();
    }
    this.#bytes = file.bytes;
    return { lines: damaged, torn: rest.length > 0, foreign: foreign && damaged > 0 };
  }

  /** The file was read, or cannot be; `anew`: write it anew before anything is appended. */
  begin(anew: boolean): void {
    void this.#work(anew);
  }

  /** Fulfilled when the line is written; never rejects: when it cannot be written, that has been told. */
  append(line: JournalLine): Promise<void> {
    // While it is written anew after a failure, a line may come too late to be part of that.
    if (this.#state !== 'good' && !this.#writing) return Promise.resolve();
    if (this.#anew || this.#gathered.length >= Math.max(mostWaiting, mostLines * this.#content.size)) {
      this.#gathered = [];
      this.#anew = true;
    } else this.#gathered.push(line);
    this.#written ??= Promise.withResolvers();
    if (!this.#writing) {
      this.#writing = true;
      this.#runtime.defer(() => void this.#work(false));
    }
    return this.#written.promise;
  }

  /** Writes what is gathered and gives the file free. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    if (this.#writing) await new Promise<void>((resolve) => (this.#idle = resolve));
    this.#state = 'closed';
    this.#retry?.cancel();
    this.#lock.release();
  }

  /** Gives the file free at once, as it is. */
  abandon(): void {
    this.#state = 'closed';
    this.#retry?.cancel();
    this.#lock.release();
    this.#settle();
    this.#idle?.();
  }

  /** Never rejects. */
  async #work(anew: boolean): Promise<void> {
    this.#writing = true;
    try {
      if (anew && this.#state !== 'closed') await this.#rewrite();
      while ((this.#gathered.length > 0 || this.#anew) && this.#state === 'good') {
        if (this.#anew) await this.#writeAnew();
        else await this.#write();
        if (this.#bytes >= leastRewrite && this.#lines > mostLines * this.#content.size)
          await this.#rewrite();
      }
    } catch (thrown) {
      this.#failed(asError(thrown));
    }
    this.#settle();
    this.#writing = false;
    this.#idle?.();
  }

  async #write(): Promise<void> {
    const lines = this.#gathered;
    const written = this.#written;
    this.#gathered = [];
    this.#written = undefined;
    try {
      if (!(await this.#ours())) return;
      for (let from = 0; from < lines.length; from += pieceLines) {
        const some = lines.slice(from, from + pieceLines);
        const header = this.#bytes === 0 ? encodeLine({ says: 'header' }) : '';
        const bytes = new TextEncoder().encode(header + some.map(encodeLine).join(''));
        await this.#runtime.files.append(this.#path, bytes);
        this.#bytes += bytes.length;
        this.#lines += some.length;
      }
    } finally {
      written?.resolve();
    }
  }

  /** What waits is in what the journal says now. */
  async #writeAnew(): Promise<void> {
    const written = this.#written;
    this.#written = undefined;
    this.#anew = false;
    try {
      await this.#rewrite();
    } finally {
      written?.resolve();
    }
  }

  /** Everything anew, in pieces: a big journal must neither be in memory twice nor hold the event loop up. */
  async #rewrite(): Promise<void> {
    if (!(await this.#ours())) return;
    const draft = await this.#runtime.files.draft(this.#path);
    try {
      const encoder = new TextEncoder();
      let bytes = 0;
      let lines = 0;
      let piece = encodeLine({ says: 'header' });
      const flush = async (): Promise<void> => {
        const content = encoder.encode(piece);
        piece = '';
        bytes += content.length;
        await draft.write(content);
      };
      for (const line of this.#content.lines()) {
        piece += encodeLine(line);
        lines++;
        if (piece.length >= pieceBytes) await flush();
      }
      await flush();
      await draft.commit();
      this.#bytes = bytes;
      this.#lines = lines;
    } finally {
      await draft.discard();
    }
    if (this.#state === 'unwritable') {
      this.#state = 'good';
      this.#failures = 0;
      this.#content.told('writable');
    }
  }

  async #ours(): Promise<boolean> {
    if (await this.#lock.held()) return true;
    this.#state = 'closed';
    this.#content.told('taken-over');
    return false;
  }

  #failed(error: Error): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'good') {
      this.#state = 'unwritable';
      this.#content.told('unwritable', error);
    }
    const span = Math.min(longestPause, shortestPause * 2 ** this.#failures++);
    this.#retry = this.#runtime.after(
      span * (0.5 + this.#runtime.random() / 2),
      () => void this.#work(true),
      false,
    );
  }

  /** Those who wait for what will not be written. */
  #settle(): void {
    this.#gathered = [];
    this.#anew = false;
    this.#written?.resolve();
    this.#written = undefined;
  }
}
