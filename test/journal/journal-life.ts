import { channel } from 'node:diagnostics_channel';
import { expect } from 'vitest';
import type { Events } from '../../src/core/events.ts';
import type { Files } from '../../src/core/runtime.ts';
import type { Operation } from '../../src/core/store.ts';
import { Journal, type JournalOptions } from '../../src/routes/journal/journal.ts';
import type { LostWrite } from '../../src/routes/journal/lost-write.ts';
import type { Mender, ServerJournal } from '../../src/routes/journal/server-journal.ts';
import { type FakeRuntime, fakeRuntime } from '../../src/testing/fake-runtime.ts';

export const path = '/var/journal';
export const because: Error = new Error('on purpose');

export function remove(key: string, more: Partial<Operation> = {}): Operation {
  return { kind: 'delete', key, deadline: Infinity, ...more } as Operation;
}

/** A server that confirms everything while it is up. */
export class Server implements Mender {
  up = false;
  readonly removed: LostWrite[] = [];
  renewals = 0;
  held = false;
  readonly renew = async (): Promise<boolean> => {
    if (this.up) this.renewals++;
    return this.up;
  };

  async remove(lost: readonly LostWrite[]): Promise<readonly boolean[]> {
    if (this.up) this.removed.push(...lost);
    return lost.map(() => this.up);
  }

  hold(error: Error | undefined): void {
    this.held = error !== undefined;
  }
}

/** A process with a journal and two servers. */
export interface Life {
  readonly runtime: FakeRuntime;
  readonly journal: Journal;
  readonly servers: { readonly a: Server; readonly b: Server };
  readonly a: ServerJournal;
  readonly b: ServerJournal;
}

/** What the processes of a test have told of, `lost` left out. */
export class Told {
  readonly events: Events['journal'][] = [];
  readonly #listen = (message: unknown): void => void this.events.push(message as Events['journal']);

  begin(): void {
    this.clear();
    channel('cistern:journal').subscribe(this.#listen);
  }

  end(): void {
    channel('cistern:journal').unsubscribe(this.#listen);
  }

  clear(): void {
    this.events.length = 0;
  }

  get states(): readonly string[] {
    return this.events.map((each) => each.state).filter((each) => each !== 'lost');
  }
}

const lives = new Set<Life>();

/** A new process: everything is new but the content of the file. */
export async function begin(
  content?: Uint8Array,
  options: JournalOptions = {},
  files?: Partial<Files>,
): Promise<Life> {
  const runtime = fakeRuntime({ seed: 3 });
  if (content !== undefined) runtime.disk.set(path, content);
  if (files !== undefined) (runtime as { files: Files }).files = { ...runtime.files, ...files };
  const journal = new Journal('main', { path, ...options }, runtime);
  const servers = { a: new Server(), b: new Server() };
  const life = {
    runtime,
    journal,
    servers,
    a: journal.join('a', servers.a),
    b: journal.join('b', servers.b),
  };
  lives.add(life);
  await runtime.until(journal.ready);
  return life;
}

/** Ends all processes of a test; nothing of them may go on. */
export async function endAll(): Promise<void> {
  for (const life of lives) {
    lives.delete(life);
    await life.runtime.until(life.journal.close());
    expect(life.runtime.timers).toBe(0);
  }
}

/** What is in the file: all that a process killed now leaves behind. */
export function contentOf({ runtime }: Life): Uint8Array {
  return Uint8Array.from(runtime.disk.get(path) ?? []);
}

export function linesOf(bytes: Uint8Array): readonly string[] {
  return Buffer.from(bytes).toString().trimEnd().split('\n');
}

/** Loses so many deletes in one turn, and waits until their callers are answered. */
export async function lose(life: Life, part: ServerJournal, keys: readonly string[]): Promise<void> {
  await life.runtime.until(
    Promise.all(keys.map(async (key) => await part.failed(remove(key), 'no', because))),
  );
}

/** `count` keys that differ. */
export function keys(count: number, name = 'k'): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${name}${index}`);
}
