import type { KeyPart } from '../core/key.ts';

/** Keys remembered at most; beyond, the oldest are forgotten, which costs one more load each. */
const most = 10_000;

/** Which keys failed to load lately: while a window is open and there is an old value, the source is not asked again. */
export class RetryWindow {
  readonly #milliseconds: number;
  readonly #open = new Map<KeyPart, { readonly until: number; readonly error: unknown }>();

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
  }

  open(key: KeyPart, now: number, error: unknown): void {
    if (this.#milliseconds === 0) return;
    this.#open.delete(key);
    this.#open.set(key, { until: now + this.#milliseconds, error });
    if (this.#open.size > most) this.#open.delete(this.#open.keys().next().value!);
  }

  /** The failure whose window is still open. */
  failure(key: KeyPart, now: number): { readonly error: unknown } | undefined {
    const window = this.#open.get(key);
    if (window === undefined || now < window.until) return window;
    this.#open.delete(key);
    return undefined;
  }

  close(key: KeyPart): void {
    if (this.#open.size > 0) this.#open.delete(key);
  }
}
