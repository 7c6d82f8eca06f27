import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ChangeRow, News, Order, ReadRow } from './migration-client.ts';

/** A read may have joined one of the same process that was under way: so long, at least. */
const leastSlack = 500;
const second = 1000;

/** A client process. */
export class Client {
  readonly process: ChildProcess;
  readonly ready: Promise<void>;
  readonly verified: Promise<readonly number[]>;
  /** Changes that were committed by this process and not yet confirmed. */
  readonly open = new Map<number, number>();
  readonly gone: Promise<void>;
  copied = 0;
  twinFills = 0;
  unconfirmed = 0;
  stage = '';

  constructor(witness: Witness) {
    // Before Node 23 types are stripped only if told so.
    const strips = Number(process.versions.node.split('.')[0]) >= 23;
    this.process = fork(fileURLToPath(new URL('migration-client.ts', import.meta.url)), [], {
      execArgv: strips ? ['--no-warnings'] : ['--experimental-strip-types', '--no-warnings'],
    });
    this.gone = new Promise((resolve) => this.process.once('exit', () => resolve()));
    const ready = Promise.withResolvers<void>();
    const verified = Promise.withResolvers<readonly number[]>();
    this.ready = ready.promise;
    this.verified = verified.promise;
    this.process.on('message', (news: News) => {
      if (news.kind === 'ask') witness.answer(this, news);
      else if (news.kind === 'batch') witness.take(this, news);
      else if (news.kind === 'ready') ready.resolve();
      else verified.resolve(news.versions);
    });
  }

  order(order: Order): void {
    if (this.process.connected) this.process.send(order);
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.gone;
  }
}

/** The source, and everything that was seen of the caches. */
export class Witness {
  readonly versions: number[];
  readonly reads: ReadRow[] = [];
  readonly changes: ChangeRow[] = [];
  readonly errors: string[] = [];
  /** Per second since the beginning: gets that were hits and misses, and loads. */
  readonly hits: number[] = [];
  readonly misses: number[] = [];
  readonly loads: number[] = [];
  readonly #began = performance.now();

  constructor(keys: number) {
    this.versions = Array.from({ length: keys }, () => 1);
  }

  get second(): number {
    return Math.floor((performance.now() - this.#began) / second);
  }

  answer(client: Client, { id, key, commit }: Extract<News, { kind: 'ask' }>): void {
    if (commit) {
      this.versions[key]!++;
      client.open.set(key, this.versions[key]!);
    } else count(this.loads, this.second, 1);
    client.order({ kind: 'answer', id, version: this.versions[key]! });
  }

  take(client: Client, batch: Extract<News, { kind: 'batch' }>): void {
    for (const each of batch.reads) this.reads.push(each);
    for (const each of batch.changes) {
      this.changes.push(each);
      if (client.open.get(each[0]) === each[1]) client.open.delete(each[0]);
    }
    this.errors.push(...batch.errors);
    // Read once: it may go on between two looks.
    const at = this.second;
    count(this.hits, at, batch.hits);
    count(this.misses, at, batch.misses);
    Object.assign(client, {
      copied: batch.copied,
      twinFills: batch.twinFills,
      unconfirmed: batch.unconfirmed,
      stage: batch.stage,
    });
  }

  /** Of the reads in these seconds: the share of hits, in percent. */
  ratio(from: number, to: number): number {
    const sum = (of: readonly number[]): number =>
      of.slice(from, to).reduce((all, each) => all + (each ?? 0), 0);
    const hits = sum(this.hits);
    return (100 * hits) / Math.max(1, hits + sum(this.misses));
  }

  /** What happened in one second. */
  courseOf(at: number): { readonly hits: number; readonly misses: number; readonly loads: number } {
    return { hits: this.hits[at] ?? 0, misses: this.misses[at] ?? 0, loads: this.loads[at] ?? 0 };
  }

  loadsIn(from: number, to: number): number {
    return this.loads.slice(from, to).reduce((all, each) => all + (each ?? 0), 0);
  }

  stale(): number {
    const floors = new Map<number, ChangeRow[]>();
    for (const change of this.changes) {
      const known = floors.get(change[0]);
      if (known === undefined) floors.set(change[0], [change]);
      else known.push(change);
    }
    const slack = Math.max(leastSlack, this.readTime(1 - Number.EPSILON));
    return this.reads.filter(([key, version, began]) =>
      floors.get(key)?.some(([, newer, at]) => newer > version && at < began - slack),
    ).length;
  }

  /** Answers that were never true: versions that there were not yet. */
  untrue(verified: readonly (readonly number[])[]): number {
    const impossible = (key: number, version: number): boolean =>
      !(version >= 1 && version <= this.versions[key]!);
    const read = this.reads.filter(([key, version]) => impossible(key, version)).length;
    return read + verified.flatMap((each) => each.filter((version, key) => impossible(key, version))).length;
  }

  /** Rows that some process still has as they were before the last change. */
  older(verified: readonly (readonly number[])[]): number {
    return verified.flatMap((each) => each.filter((version, key) => version < this.versions[key]!)).length;
  }

  /** So many milliseconds took this share of the reads at most. */
  readTime(share: number): number {
    const took = this.reads.map((read) => read[3]).sort((one, other) => one - other);
    return took[Math.floor(took.length * share)] ?? 0;
  }
}

function count(seconds: number[], at: number, more: number): void {
  seconds[at] = (seconds[at] ?? 0) + more;
}
