import type { Runtime, Socket, Target } from '../../src/core/runtime.ts';
import { parseTarget } from './target.ts';

/** A client's connection on any runtime: all that is said to it is gathered. */
export class Talk {
  said = '';
  /** How often something came. */
  chunks = 0;
  closed = false;
  readonly #socket: Socket;
  #changed: (() => void)[] = [];

  constructor(runtime: Runtime, address: string | Target) {
    this.#socket = runtime.connect(typeof address === 'string' ? parseTarget(address) : address, {
      connected() {},
      data: (chunk) => {
        this.said += Buffer.from(chunk).toString('latin1');
        this.chunks++;
        this.#tell();
      },
      drained() {},
      closed: () => {
        this.closed = true;
        this.#tell();
      },
    });
  }

  send(...parts: readonly (string | Uint8Array)[]): void {
    this.#socket.write(parts);
  }

  /** Takes no more of what is said. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** What was said since the last time. */
  take(): string {
    const { said } = this;
    this.said = '';
    return said;
  }

  /** Says something; fulfilled with the answer once it ends like this. */
  async ask(text: string | Uint8Array, end: RegExp | string): Promise<string> {
    this.take();
    this.send(text);
    await this.until(() => (typeof end === 'string' ? this.said.endsWith(end) : end.test(this.said)));
    return this.take();
  }

  /** Fulfilled once the connection is over. */
  async ended(): Promise<string> {
    await this.until(() => this.closed);
    return this.take();
  }

  async until(met: () => boolean): Promise<void> {
    while (!met()) {
      if (this.closed)
        throw new Error(`the connection was closed after ${JSON.stringify(this.said.slice(-200))}`);
      await new Promise<void>((resolve) => this.#changed.push(resolve));
    }
  }

  #tell(): void {
    const changed = this.#changed;
    this.#changed = [];
    for (const each of changed) each();
  }
}
