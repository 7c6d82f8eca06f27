import type { Database } from '../database/database.ts';
import { endpoints, type Endpoint } from '../traffic/shopper.ts';
import type { EndpointTraffic, TrafficResult } from '../traffic/run.ts';
import { type CountedSource, type LoadedPage, loadedPages } from './counted-source.ts';

/** What one cache has answered so far, by tier. */
export interface TierCounts {
  readonly near: { readonly hits: number; readonly staleHits: number; readonly misses: number };
  readonly remote: { readonly hits: number; readonly staleHits: number; readonly misses: number };
}
export type CacheCounts = Readonly<Record<LoadedPage, TierCounts>>;

/** The figures of one kind of request, or of all. Rates are per second, times in milliseconds, shares from 0 to 1. */
export interface Figures {
  readonly rps: number;
  readonly p50: number;
  readonly p99: number;
  readonly dbQueries: number;
  /** Of what was asked of a tier: how much it answered. Absent without a cache. */
  readonly hitRatio?: { readonly near: number; readonly remote: number };
  /** How often a key that was loaded at all was loaded, on average. */
  readonly loadsPerKey: number;
  readonly staleAnswers: number;
  readonly errors: number;
}

export interface SideFigures extends Figures {
  readonly requests: number;
  readonly endpoints: Readonly<Record<Endpoint, Figures>>;
}

/** All counters at one moment; `caches` only with a cache. */
export interface Counts {
  readonly queries: ReadonlyMap<string, number>;
  readonly loads: Readonly<Record<LoadedPage, ReadonlyMap<string | number, number>>>;
  readonly caches: CacheCounts | undefined;
}

export function countsNow(database: Database, source: CountedSource, caches?: CacheCounts): Counts {
  const loads = loadedPages.map((page) => [page, new Map(source.loads[page])] as const);
  return {
    queries: new Map(database.queries),
    loads: Object.fromEntries(loads) as Record<LoadedPage, Map<string | number, number>>,
    caches,
  };
}

/** The figures of a run: what the driver saw, and what was counted between two moments. */
export function figuresOf(traffic: TrafficResult, before: Counts, after: Counts): SideFigures {
  const seconds = traffic.duration / 1000;
  const of = (endpoint: Endpoint): Figures => {
    const page = loadedPages.find((each) => each === endpoint);
    const pages = page === undefined ? [] : [page];
    return figures(traffic.endpoints[endpoint], queriesFor(endpoint, before, after), pages);
  };
  const queries = endpoints.reduce((sum, endpoint) => sum + queriesFor(endpoint, before, after), 0);
  const each = endpoints.map((endpoint) => [endpoint, of(endpoint)] as const);
  return {
    requests: traffic.all.requests,
    ...figures(traffic.all, queries, loadedPages),
    endpoints: Object.fromEntries(each) as Record<Endpoint, Figures>,
  };

  function figures(seen: EndpointTraffic, count: number, pages: readonly LoadedPage[]): Figures {
    const { caches: earlier } = before;
    const { caches: later } = after;
    const tiers =
      earlier && later && pages.length > 0
        ? { hitRatio: { near: hitRatio('near', pages), remote: hitRatio('remote', pages) } }
        : {};
    return {
      rps: seen.requests / seconds,
      p50: seen.p50,
      p99: seen.p99,
      dbQueries: count / seconds,
      ...tiers,
      loadsPerKey: loadsPerKey(pages, before, after),
      staleAnswers: seen.staleAnswers,
      errors: seen.errors,
    };
  }

  function hitRatio(tier: keyof TierCounts, pages: readonly LoadedPage[]): number {
    let hits = 0;
    let misses = 0;
    for (const page of pages) {
      const [earlier, later] = [before.caches![page][tier], after.caches![page][tier]];
      hits += later.hits - earlier.hits + later.staleHits - earlier.staleHits;
      misses += later.misses - earlier.misses;
    }
    return hits + misses === 0 ? 0 : hits / (hits + misses);
  }
}

function queriesFor(endpoint: Endpoint, before: Counts, after: Counts): number {
  return (after.queries.get(endpoint) ?? 0) - (before.queries.get(endpoint) ?? 0);
}

function loadsPerKey(pages: readonly LoadedPage[], before: Counts, after: Counts): number {
  let loads = 0;
  let keys = 0;
  for (const page of pages) {
    for (const [key, count] of after.loads[page]) {
      const more = count - (before.loads[page].get(key) ?? 0);
      loads += more;
      if (more > 0) keys++;
    }
  }
  return keys === 0 ? 0 : loads / keys;
}

/** How many times better the second side is: each figure over the other's; null where one is zero. */
export interface Ratio {
  readonly p50: number | null;
  readonly p99: number | null;
  readonly rps: number | null;
  readonly dbQueries: number | null;
}

export function ratioOf(without: Figures, cached: Figures): Ratio {
  return {
    p50: quotient(without.p50, cached.p50),
    p99: quotient(without.p99, cached.p99),
    rps: quotient(cached.rps, without.rps),
    dbQueries: quotient(without.dbQueries, cached.dbQueries),
  };
}

function quotient(dividend: number, divisor: number): number | null {
  return dividend > 0 && divisor > 0 ? dividend / divisor : null;
}
