import type { ExchangeQueue } from './exchange-queue.ts';
import { dueAt, type Exchange } from './exchange.ts';

/** What a look at the exchanges that were sent tells. */
export interface Verdict {
  /** Whose callers have waited long enough. */
  readonly late: readonly Exchange[];
  /** When the turns were sent that the other side has left unanswered for the timeout; each is told of once. */
  readonly unanswered: readonly number[];
  /** When to look again. */
  readonly nearest: number;
}

/**
 * Looks at the slots of a connection. A turn is unanswered whether its callers still wait or not; for that the time in which this
 * process was blocked does not count.
 */
export function judge(slots: ExchangeQueue, now: number, timeout: number, blindUntil: number): Verdict {
  let nearest = Number.POSITIVE_INFINITY;
  const late: Exchange[] = [];
  const unanswered: number[] = [];
  for (let index = 0; index < slots.length; index++) {
    const exchange = slots.at(index)!;
    const { turn } = exchange;
    if (!turn.told) {
      const verdictAt = Math.max(turn.sent, blindUntil) + timeout;
      if (verdictAt > now) nearest = Math.min(nearest, verdictAt);
      else {
        turn.told = true;
        unanswered.push(turn.sent);
      }
    }
    if (!exchange.awaited) continue;
    const due = dueAt(exchange);
    if (due > now) nearest = Math.min(nearest, due);
    else late.push(exchange);
  }
  return { late, unanswered, nearest };
}
