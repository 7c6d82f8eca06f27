import { GrowingNumbers } from './growing-numbers.ts';
import { KeyTable, TextHash } from './key-table.ts';
import type { Trace } from './trace.ts';
import { type Operation, read, remove, type TraceSink, unknownSize, write } from './trace-format.ts';

export interface TraceBuilderOptions {
  /** Whether times are kept, 8 bytes per request. Default no. */
  readonly times?: boolean;
  /** The most bytes that the trace and a simulation of it may take. Above, half of the keys go, as often as needed. Default 1 GiB. */
  readonly memory?: number;
  /** The share of the keys to begin with, above 0 to 1. Default 1. */
  readonly rate?: number;
  /** Told of each key when it is seen for the first time (of one outside of the sample: each time). Answers a label: a whole number, from 0. */
  readonly label?: (key: string) => number;
}

const hashes = 2 ** 32;

/** A key takes places in the table, hashes, size, count and label here, and some 40 bytes in a simulation. */
const bytesPerKey = 96;

const longestSize = 0x7fff_ffff;

/** Gathers the requests of one file into a trace, within a limit of memory. */
export class TraceBuilder implements TraceSink {
  /** Bytes that the trace takes now, about. */
  bytes = 0;
  readonly #options: TraceBuilderOptions;
  readonly #memory: number;
  readonly #hash = new TextHash();
  #table = new KeyTable();
  readonly #requests = new GrowingNumbers(Int32Array);
  /** Only from the first request on that is no read: those before are. */
  #operations: GrowingNumbers<Uint8Array> | undefined;
  readonly #times: GrowingNumbers<Float64Array> | undefined;
  /** By key: the largest size, 0 where none is known; and the label. */
  readonly #sizes = new GrowingNumbers(Int32Array);
  readonly #labels = new GrowingNumbers(Int32Array);
  #sized = false;
  #timed = false;
  #firstTime = Number.NaN;
  #lastTime = Number.NaN;
  #threshold: number;
  readonly #counts = [0, 0, 0];
  #ignored = 0;
  readonly #warnings = new Set<string>();

  constructor(options: TraceBuilderOptions = {}) {
    this.#options = options;
    this.#memory = options.memory ?? 2 ** 30;
    this.#threshold = Math.ceil((options.rate ?? 1) * hashes);
    if (options.times === true) this.#times = new GrowingNumbers(Float64Array);
  }

  /** Requests so far, sampled or not. */
  get seen(): number {
    return this.#counts[read]! + this.#counts[write]! + this.#counts[remove]!;
  }

  ignored(): void {
    this.#ignored++;
  }

  warn(text: string): void {
    this.#warnings.add(text);
  }

  request(key: string, operation: Operation, size: number, time: number): void {
    this.#counts[operation]!++;
    if (!Number.isNaN(time)) this.#noteTime(time);
    this.#hash.read(key);
    if (this.#hash.first >>> 0 >= this.#threshold) {
      this.#options.label?.(key);
      return;
    }
    const known = this.#table.size;
    const number = this.#table.numberOf(this.#hash.first, this.#hash.second);
    if (number === known) {
      this.#sizes.push(0);
      if (this.#options.label !== undefined) this.#labels.push(this.#options.label(key));
      this.bytes += bytesPerKey;
    }
    if (size !== unknownSize && size >= this.#sizes.at(number)) {
      this.#sizes.set(number, Math.min(longestSize, Math.max(1, size)));
      this.#sized = true;
    }
    this.#requests.push(number);
    this.bytes += 4;
    if (this.#times !== undefined) {
      this.#times.push(time - this.#firstTime);
      this.bytes += 8;
    }
    if (operation !== read) this.#operations ??= this.#allReads();
    if (this.#operations !== undefined) {
      this.#operations.push(operation);
      this.bytes++;
    }
    if (this.bytes > this.#memory) this.#thin();
  }

  /** The trace, once its file has ended. The builder must not be used any more. */
  build(name: string): BuiltTrace {
    const requests = this.#requests.flat();
    const operations = this.#operations?.flat();
    const sizes = this.#sized ? this.#sizes.flat() : undefined;
    const readsOf = new Int32Array(this.#table.size);
    const written = new Uint8Array(this.#table.size);
    for (let at = 0; at < requests.length; at++) {
      const operation = operations?.[at] ?? read;
      if (operation === read) readsOf[requests[at]!]!++;
      if (operation !== remove) written[requests[at]!] = 1;
    }
    const rate = this.#threshold / hashes;
    const keys = written.reduce((sum, each) => sum + each, 0);
    const readKeys = readsOf.reduce((sum, each) => sum + (each > 0 ? 1 : 0), 0);
    const onceKeys = readsOf.reduce((sum, each) => sum + (each === 1 ? 1 : 0), 0);
    const { unsizedShare, bytes } = fillSizes(sizes, written);
    return {
      name,
      requests,
      operations,
      times: this.#timed ? this.#times?.flat() : undefined,
      hashes: this.#table.secondHashes.flat(),
      sampleHashes: this.#table.firstHashes.flat(),
      sizes,
      readsOf,
      labels: this.#options.label === undefined ? undefined : this.#labels.flat(),
      rate,
      total: {
        reads: this.#counts[read]!,
        writes: this.#counts[write]!,
        removals: this.#counts[remove]!,
        keys: Math.round(keys / rate),
        readKeys: Math.round(readKeys / rate),
        onceKeys: Math.round(onceKeys / rate),
        bytes: bytes === undefined ? undefined : Math.round(bytes / rate),
        unsizedShare,
        milliseconds: this.#timed ? this.#lastTime - this.#firstTime : undefined,
        ignoredLines: this.#ignored,
        warnings: [...this.#warnings],
      },
    };
  }

  #noteTime(time: number): void {
    if (!this.#timed) this.#firstTime = time;
    this.#timed = true;
    this.#lastTime = time;
  }

  #allReads(): GrowingNumbers<Uint8Array> {
    const operations = new GrowingNumbers(Uint8Array);
    while (operations.length + 1 < this.#requests.length) operations.push(read);
    this.bytes += operations.length;
    return operations;
  }

  /** Lets half of the keys go, and all their requests. */
  #thin(): void {
    this.#threshold = Math.ceil(this.#threshold / 2);
    const old = this.#table;
    const table = new KeyTable();
    const numbers = new Int32Array(old.size).fill(-1);
    for (let number = 0; number < old.size; number++) {
      const first = old.firstHashes.at(number);
      if (first >>> 0 < this.#threshold) numbers[number] = table.numberOf(first, old.secondHashes.at(number));
    }
    const stays = (number: number): boolean => numbers[number]! >= 0;
    this.#sizes.filter(stays);
    this.#labels.filter(stays);
    const requestStays = (at: number): boolean => stays(this.#requests.at(at));
    this.#times?.filter(requestStays);
    this.#operations?.filter(requestStays);
    this.#requests.filter(requestStays);
    for (let at = 0; at < this.#requests.length; at++)
      this.#requests.set(at, numbers[this.#requests.at(at)]!);
    this.#table = table;
    const perRequest = 4 + (this.#times === undefined ? 0 : 8) + (this.#operations === undefined ? 0 : 1);
    this.bytes = table.size * bytesPerKey + this.#requests.length * perRequest;
  }
}

/** A trace, and the label of each of its keys if there was somebody to give them. */
export interface BuiltTrace extends Trace {
  readonly labels: Int32Array | undefined;
}

/** Gives the mean size to keys without one. Answers how many there were, and what all keys that were ever stored weigh together. */
function fillSizes(
  sizes: Int32Array | undefined,
  stored: Uint8Array,
): { unsizedShare: number; bytes: number | undefined } {
  if (sizes === undefined) return { unsizedShare: 1, bytes: undefined };
  let sum = 0;
  let sized = 0;
  for (const size of sizes) {
    sum += size;
    if (size > 0) sized++;
  }
  const mean = Math.max(1, Math.round(sum / sized));
  let bytes = 0;
  for (let key = 0; key < sizes.length; key++) {
    if (sizes[key] === 0) sizes[key] = mean;
    if (stored[key] === 1) bytes += sizes[key]!;
  }
  return { unsizedShare: 1 - sized / sizes.length, bytes };
}
