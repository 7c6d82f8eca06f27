import { Agent, request as send } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Card, HomePage, PriceChange, SearchPage } from '../shop.ts';
import { Freshness } from './freshness.ts';
import { Latencies } from './latencies.ts';
import { type Endpoint, endpoints, shopper, type Step } from './shopper.ts';

/** What is to be driven at a shop. Times are in milliseconds. */
export interface TrafficOrder {
  readonly url: string;
  readonly seed: number;
  readonly shoppers: number;
  readonly thinkTime: number;
  /** Traffic before it is counted. */
  readonly warmUp: number;
  readonly duration: number;
  /** By how much an answer may lag behind a confirmed price change. */
  readonly staleBounds: Readonly<Record<'home' | 'product' | 'search', number>>;
}

/** What was seen of one kind of request. */
export interface EndpointTraffic {
  readonly requests: number;
  readonly p50: number;
  readonly p99: number;
  readonly staleAnswers: number;
  readonly errors: number;
}

export interface TrafficResult {
  /** In milliseconds: as long as ordered, and until the last request of the time was answered. */
  readonly duration: number;
  readonly endpoints: Readonly<Record<Endpoint, EndpointTraffic>>;
  readonly all: EndpointTraffic;
  readonly firstError: string | undefined;
}

interface Seen {
  readonly latencies: Latencies;
  staleAnswers: number;
  errors: number;
}

/**
 * Sends shoppers to a shop: each asks for a page, waits for the answer, thinks, and asks for the next. Each has its own
 * sequence from the seed, which does not depend on the answers. `measuring` is called when the warm-up is over.
 */
export async function drive(order: TrafficOrder, measuring: () => void): Promise<TrafficResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: order.shoppers });
  const freshness = new Freshness();
  const seen = Object.fromEntries(endpoints.map((endpoint) => [endpoint, nothingSeen()])) as Record<
    Endpoint,
    Seen
  >;
  let firstError: string | undefined;
  const began = performance.now();
  let from = Number.POSITIVE_INFINITY;
  const warm = sleep(order.warmUp).then(() => {
    from = performance.now();
    measuring();
  });
  const until = began + order.warmUp + order.duration;
  await Promise.all([warm, ...Array.from({ length: order.shoppers }, (_, number) => shop(number))]);
  const duration = performance.now() - from;
  agent.destroy();
  const all = nothingSeen();
  for (const endpoint of endpoints) {
    all.latencies.addAll(seen[endpoint].latencies);
    all.staleAnswers += seen[endpoint].staleAnswers;
    all.errors += seen[endpoint].errors;
  }
  const summaries = endpoints.map((endpoint) => [endpoint, summary(seen[endpoint])] as const);
  return {
    duration,
    endpoints: Object.fromEntries(summaries) as Record<Endpoint, EndpointTraffic>,
    all: summary(all),
    firstError,
  };

  async function shop(number: number): Promise<void> {
    for (const step of shopper(order.seed, number, order.thinkTime)) {
      const thinkFor = Math.min(step.thinkFor, until - performance.now());
      if (thinkFor > 0) await sleep(thinkFor);
      if (performance.now() >= until) return;
      await ask(step);
    }
  }

  async function ask(step: Step): Promise<void> {
    const askedAt = performance.now();
    const kind = seen[step.endpoint];
    try {
      const body = await exchange(agent, order.url, step);
      const answeredAt = performance.now();
      const tooOld = look(step, body, askedAt, answeredAt);
      if (askedAt < from) return;
      kind.latencies.add(answeredAt - askedAt);
      if (tooOld) kind.staleAnswers++;
    } catch (error) {
      firstError ??= `${step.method} ${step.path}: ${error instanceof Error ? error.message : String(error)}`;
      if (askedAt >= from) kind.errors++;
    }
  }

  /** Notes a confirmed change; says whether a page shows a price that is older than the bound allows. */
  function look(step: Step, text: string, askedAt: number, answeredAt: number): boolean {
    switch (step.endpoint) {
      case 'price': {
        const change = JSON.parse(text) as PriceChange;
        freshness.confirmed(change.id, change.version, answeredAt);
        return false;
      }
      case 'stock':
        return false;
      case 'home':
      case 'product':
      case 'search': {
        const bound = order.staleBounds[step.endpoint];
        return cardsOf(step.endpoint, text).some((card) =>
          freshness.stale(card.id, card.version, askedAt, bound),
        );
      }
    }
  }
}

function cardsOf(endpoint: 'home' | 'product' | 'search', text: string): readonly Card[] {
  switch (endpoint) {
    case 'home': {
      const { bestSellers, topRated, promotions } = JSON.parse(text) as HomePage;
      return [...bestSellers, ...topRated, ...promotions];
    }
    case 'product':
      return [JSON.parse(text) as Card];
    case 'search':
      return (JSON.parse(text) as SearchPage).products;
  }
}

async function exchange(agent: Agent, url: string, step: Step): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const request = send(`${url}${step.path}`, { agent, method: step.method }, (response) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => (text += chunk));
    response.once('error', reject);
    response.once('end', () => {
      if (response.statusCode === 200) resolve(text);
      else reject(new Error(`answered ${response.statusCode}: ${text}`));
    });
  });
  request.once('error', reject);
  request.end(step.body);
  return await promise;
}

function nothingSeen(): Seen {
  return { latencies: new Latencies(), staleAnswers: 0, errors: 0 };
}

function summary({ latencies, staleAnswers, errors }: Seen): EndpointTraffic {
  return {
    requests: latencies.count,
    p50: latencies.percentile(0.5),
    p99: latencies.percentile(0.99),
    staleAnswers,
    errors,
  };
}
