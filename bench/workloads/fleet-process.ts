import type { FleetCache, FleetModule } from '../competitors/adapter.ts';
import type { FleetAnswer, FleetRequest, FleetStart, Rush } from '../harness/fleet.ts';

/** One process of a fleet that shares a cache server. It keeps a cache per scenario and does what it is told. */
const { adapter, address, loaderMilliseconds } = JSON.parse(process.argv[2]!) as FleetStart;
const { openFleetCache } = (await import(adapter)) as FleetModule;
const caches = new Map<string, FleetCache>();
let loaderTimes: number[] = [];

/** What the source does: it takes its time, and everybody who asks it is counted. */
async function load(key: string): Promise<unknown> {
  const start = performance.now();
  await new Promise((resolve) => setTimeout(resolve, loaderMilliseconds));
  loaderTimes.push(performance.now() - start);
  return { key, name: 'A loaded value', price: 1999 };
}

async function carryOut(request: FleetRequest): Promise<Rush | undefined> {
  const { kind, scenario } = request;
  switch (kind) {
    case 'open': {
      const { freshFor, staleFor } = request;
      caches.set(scenario, await openFleetCache({ address, freshFor, staleFor, load }));
      return undefined;
    }
    case 'read':
      verify(await caches.get(scenario)!.get(request.key), request.key);
      return undefined;
    case 'warm':
      for (let turn = 0; turn < request.turns; turn++) {
        await askTogether(caches.get(scenario)!, request.key, request.callers);
      }
      return undefined;
    case 'rush':
      return await rush(caches.get(scenario)!, request.key, request.callers, request.at);
    case 'close':
      await caches.get(scenario)!.close();
      caches.delete(scenario);
      return undefined;
  }
}

/** At the given time of day everybody asks for the same key in one turn of the event loop. */
async function rush(cache: FleetCache, key: string, callers: number, at: number): Promise<Rush> {
  loaderTimes = [];
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - Date.now())));
  const waits = await askTogether(cache, key, callers);
  // Loads in the background may begin late, and must not escape being counted.
  await new Promise((resolve) => setTimeout(resolve, 3 * loaderMilliseconds));
  return { waits, loaderTimes };
}

/** How long each caller waited. */
function askTogether(cache: FleetCache, key: string, callers: number): Promise<number[]> {
  return Promise.all(
    Array.from({ length: callers }, async () => {
      const start = performance.now();
      verify(await cache.get(key), key);
      return performance.now() - start;
    }),
  );
}

function verify(value: unknown, key: string): void {
  if ((value as { key?: string } | undefined)?.key !== key) {
    throw new Error(`asked for ${key}, got ${JSON.stringify(value)}`);
  }
}

process.on('message', (request: FleetRequest) => {
  carryOut(request).then(
    (rushed) => process.send!({ rushed } satisfies FleetAnswer),
    (error: unknown) =>
      process.send!({ error: String((error as Error).stack ?? error) } satisfies FleetAnswer),
  );
});
process.on('disconnect', () => process.exit(0));
process.send!({} satisfies FleetAnswer);
