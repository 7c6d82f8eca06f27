import { SingleBar } from 'cli-progress';
import type { Shutdown } from './shutdown.ts';

/** What the user is told: lines, and on a terminal a bar for what takes long. */
export class Console {
  readonly #stream: NodeJS.WriteStream;

  constructor(stream: NodeJS.WriteStream, shutdown: Shutdown) {
    this.#stream = stream;
    // Nobody reads any more (`npm start | head`): there is nothing to go on for.
    stream.on('error', () => shutdown.begin());
  }

  say(line: string): void {
    this.#stream.write(`${line}\n`);
  }

  /** Does long work. On a terminal a bar shows how far it is, and goes; elsewhere there is a line. */
  async progress<T>(
    title: string,
    work: (advance: (done: number, total: number) => void) => Promise<T>,
  ): Promise<T> {
    if (!this.#stream.isTTY) {
      let told = false;
      return await work(() => {
        if (!told) this.say(`${title} ...`);
        told = true;
      });
    }
    const bar = new SingleBar({
      format: `${title} {bar} {percentage}%`,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      barsize: 30,
      stream: this.#stream,
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: false,
    });
    let started = false;
    try {
      return await work((done, total) => {
        if (started) bar.update(done);
        else bar.start(total, done);
        started = true;
      });
    } finally {
      if (started) bar.stop();
    }
  }
}
