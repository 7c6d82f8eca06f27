/**
 * Work that is begun at a steady rate, whatever becomes of what was begun before: an application does not ask less because its servers
 * are slow.
 */
export class SteadyLoad {
  readonly #perSecond: number;
  readonly #begin: () => void;
  #timer: NodeJS.Timeout | undefined;
  #since = 0;
  #begun = 0;

  constructor(perSecond: number, begin: () => void) {
    this.#perSecond = perSecond;
    this.#begin = begin;
  }

  start(): this {
    this.#since = performance.now();
    this.#begun = 0;
    this.#timer = setInterval(this.#turn, 1);
    return this;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  readonly #turn = (): void => {
    const due = ((performance.now() - this.#since) * this.#perSecond) / 1000;
    // A process that was held up for long does not make up for it in one turn: that would measure the turn.
    if (due - this.#begun > this.#perSecond / 10) this.#begun = Math.floor(due - this.#perSecond / 10);
    for (; this.#begun < due; this.#begun++) this.#begin();
  };
}
