import { randomBytes } from 'node:crypto';
import { appendFile, type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { lockFile } from './file-lock.ts';
import type { FileDraft, Files } from './runtime.ts';

/** The machine's files. */
export const realFiles: Files = {
  async read(path) {
    try {
      return await readFile(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  },
  async replace(path, content) {
    const draft = await realFiles.draft(path);
    try {
      await draft.write(content);
      await draft.commit();
    } finally {
      await draft.discard();
    }
  },
  async append(path, content) {
    await mkdir(dirname(path), { recursive: true });
    await appendFile(path, content, { mode: 0o600 });
  },
  async draft(path) {
    await mkdir(dirname(path), { recursive: true });
    const aside = `${path}.${randomBytes(6).toString('hex')}.new`;
    return new RealDraft(path, aside, await open(aside, 'wx', 0o600));
  },
  async open(path) {
    let file: FileHandle;
    try {
      file = await open(path, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    try {
      const { size } = await file.stat();
      return { bytes: size, read: (from, length) => readAt(file, from, length), close: () => file.close() };
    } catch (error) {
      await file.close();
      throw error;
    }
  },
  lock: lockFile,
};

class RealDraft implements FileDraft {
  readonly #path: string;
  readonly #aside: string;
  readonly #file: FileHandle;
  #over = false;

  constructor(path: string, aside: string, file: FileHandle) {
    this.#path = path;
    this.#aside = aside;
    this.#file = file;
  }

  async write(content: Uint8Array): Promise<void> {
    let from = 0;
    while (from < content.length) from += (await this.#file.write(content, from)).bytesWritten;
  }

  async commit(): Promise<void> {
    await this.#file.sync();
    await this.#file.close();
    await rename(this.#aside, this.#path);
    this.#over = true;
  }

  async discard(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    // What cannot be removed is in nobody's way.
    await this.#file.close().catch(() => undefined);
    await rm(this.#aside, { force: true }).catch(() => undefined);
  }
}

async function readAt(file: FileHandle, from: number, length: number): Promise<Uint8Array> {
  const content = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(content, filled, length - filled, from + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return content.subarray(0, filled);
}
