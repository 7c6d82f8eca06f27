import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { CountedSource } from './counted-source.ts';
import type { WriterNews, WriterOrder, WriterStart, WriterState } from './journal-writer.ts';
import type { Ends } from './servers.ts';

/** A process that writes, seen by its parent, which is its source. */
export class WriterProcess {
  state: WriterState | undefined;
  /** The most of each that was seen. */
  readonly most = { pending: 0, journalBytes: 0, fileBytes: 0, resident: 0 };
  readonly errors: string[] = [];
  writes = 0;
  unconfirmed = 0;
  /** By row, its last invalidation. */
  readonly last = new Map<string, { readonly version: number; readonly confirmed: boolean }>();
  /** Written in the source, and not yet known to be invalidated: by call, which row and version. */
  readonly underWay = new Map<number, { readonly id: string; readonly version: number }>();
  readonly #process: ChildProcess;
  readonly #source: CountedSource;

  constructor(start: WriterStart, source: CountedSource, ends: Ends) {
    this.#source = source;
    this.#process = ends.add(
      fork(join(import.meta.dirname, 'journal-writer.ts'), [JSON.stringify(start)]),
      (process) => process.kill('SIGKILL'),
    );
    this.#process.on('message', (news: WriterNews) => this.#hear(news));
  }

  stopWriting(): void {
    this.#tell({ kind: 'stop' });
  }

  /** SIGKILL, in the middle of whatever it does. Answers the rows whose writes had no end, and their versions. */
  async kill(): Promise<readonly { readonly id: string; readonly version: number }[]> {
    const gone = new Promise<void>((resolve) => void this.#process.once('exit', () => resolve()));
    this.#process.kill('SIGKILL');
    await gone;
    return [...this.underWay.values()];
  }

  #tell(order: WriterOrder): void {
    if (this.#process.connected) this.#process.send(order);
  }

  #hear(news: WriterNews): void {
    switch (news.kind) {
      case 'write': {
        const { call, id } = news;
        this.underWay.set(call, { id, version: this.#source.write(id) });
        this.#tell({ kind: 'written', call });
        break;
      }
      case 'done': {
        const { id, version } = this.underWay.get(news.call)!;
        this.underWay.delete(news.call);
        this.writes++;
        if (!news.confirmed) this.unconfirmed++;
        this.last.set(id, { version, confirmed: news.confirmed });
        this.#source.settle(id, version);
        break;
      }
      case 'error':
        this.errors.push(news.text);
        break;
      case 'state':
        this.state = news.state;
        for (const name of Object.keys(this.most) as (keyof WriterProcess['most'])[])
          this.most[name] = Math.max(this.most[name], news.state[name]);
        break;
    }
  }
}
