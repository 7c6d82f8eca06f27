import { type ChildProcess, fork } from 'node:child_process';
import type { Address } from '../competitors/adapter.ts';

export interface FleetStart {
  /** URL of the module in `competitors/`. */
  readonly adapter: string;
  readonly address: Address;
  readonly loaderMilliseconds: number;
}

export type FleetRequest =
  | { readonly kind: 'open'; readonly scenario: string; readonly freshFor: number; readonly staleFor: number }
  /** Asks for the same key by so many callers, turn after turn: until the code is warm. */
  | {
      readonly kind: 'warm';
      readonly scenario: string;
      readonly key: string;
      readonly callers: number;
      readonly turns: number;
    }
  | { readonly kind: 'read'; readonly scenario: string; readonly key: string }
  /** `at`: Unix time in milliseconds at which all begin. */
  | {
      readonly kind: 'rush';
      readonly scenario: string;
      readonly key: string;
      readonly callers: number;
      readonly at: number;
    }
  | { readonly kind: 'close'; readonly scenario: string };

/** What many callers of one key saw: how long each waited, and how long each run of the loader took. */
export interface Rush {
  readonly waits: readonly number[];
  readonly loaderTimes: readonly number[];
}

export interface FleetAnswer {
  readonly rushed?: Rush | undefined;
  readonly error?: string;
}

/** Several processes with the same library, in front of the same server. */
export class Fleet {
  readonly size: number;
  readonly #processes: readonly ChildProcess[];

  private constructor(processes: readonly ChildProcess[]) {
    this.#processes = processes;
    this.size = processes.length;
  }

  static async start(size: number, start: FleetStart): Promise<Fleet> {
    const url = new URL('../workloads/fleet-process.ts', import.meta.url);
    const fleet = new Fleet(Array.from({ length: size }, () => fork(url, [JSON.stringify(start)])));
    try {
      await Promise.all(fleet.#processes.map(nextAnswer));
    } catch (error) {
      await fleet.close();
      throw error;
    }
    return fleet;
  }

  /** Asks one process. */
  async one(index: number, request: FleetRequest): Promise<Rush | undefined> {
    const child = this.#processes[index]!;
    const answer = nextAnswer(child);
    child.send(request);
    return (await answer).rushed;
  }

  /** Asks all of them at once. */
  all(request: FleetRequest): Promise<(Rush | undefined)[]> {
    return Promise.all(this.#processes.map((_, index) => this.one(index, request)));
  }

  /** All begin at the same time of day; their answers together. */
  async rush(scenario: string, key: string, callers: number): Promise<Rush> {
    const at = Date.now() + 50;
    const answers = await this.all({ kind: 'rush', scenario, key, callers: callers / this.size, at });
    return {
      waits: answers.flatMap((answer) => answer!.waits),
      loaderTimes: answers.flatMap((answer) => answer!.loaderTimes),
    };
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#processes.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exited = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await exited;
      }),
    );
  }
}

function nextAnswer(child: ChildProcess): Promise<FleetAnswer> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      child.off('message', message);
      child.off('exit', exit);
    };
    const message = (answer: FleetAnswer): void => {
      settle();
      if (answer.error === undefined) resolve(answer);
      else reject(new Error(answer.error));
    };
    const exit = (code: number | null, signal: string | null): void => {
      settle();
      reject(new Error(`a process of the fleet ended (${signal ?? `exit code ${code}`})`));
    };
    child.on('message', message);
    child.on('exit', exit);
  });
}
