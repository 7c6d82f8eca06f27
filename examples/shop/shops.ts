import { type CachedShop, cachedShop } from './cached.ts';
import { Database } from './database/database.ts';
import { fill } from './database/fill.ts';
import { sizes } from './database/schema.ts';
import { directShop } from './direct.ts';
import type { Console } from './machine/console.ts';
import { claimPlace } from './machine/place.ts';
import { startPostgres } from './machine/postgres.ts';
import { startRemote } from './machine/remote.ts';
import type { Shutdown } from './machine/shutdown.ts';
import type { Options } from './options.ts';
import { CountedSource } from './report/counted-source.ts';
import { homeCost } from './report/home-cost.ts';
import type { Side } from './report/measure.ts';
import { Service } from './service.ts';

/** The same shop twice, over one database: without a cache, and with it. */
export interface Shops {
  readonly direct: Side;
  readonly cached: Side & { readonly shop: CachedShop };
}

/** Connections to the database that each shop may have. */
const connections = 10;
const usualPort = 3000;

/** Starts PostgreSQL and the remote tier, fills the database, and opens both shops. */
export async function openShops(
  folder: string,
  options: Options,
  console: Console,
  shutdown: Shutdown,
): Promise<Shops> {
  const place = claimPlace(folder);
  shutdown.add('the place', () => place.release());
  const postgres = await startPostgres(place);
  shutdown.add('PostgreSQL', () => postgres.stop());
  shutdown.signal.throwIfAborted();
  void postgres.ended.then(() => {
    if (!shutdown.signal.aborted) console.say('PostgreSQL ended by itself: stopping.');
    shutdown.begin();
  });
  if (postgres.note !== undefined) console.say(postgres.note);
  const openDatabase = (): Database => {
    const database = new Database(postgres.address, connections);
    shutdown.add('the connections', () => database.close());
    return database;
  };
  const database = openDatabase();
  await console.progress('Filling the shop', (advance) =>
    fill(database, (done, total) => {
      shutdown.signal.throwIfAborted();
      advance(done, total);
    }),
  );
  const cost = await shutdown.unless(homeCost(database));
  console.say(
    `PostgreSQL on 127.0.0.1:${postgres.address.port}: ${sizes.products.toLocaleString('en')} products, ` +
      `${sizes.reviews.toLocaleString('en')} reviews. A home page costs it five queries, ${cost.toFixed(0)} ms.`,
  );

  const remote = await startRemote();
  shutdown.add('the remote tier', () => remote.stop());
  console.say(`Remote tier: ${remote.description}.`);

  const open = async (shop: CachedShop | ReturnType<typeof directShop>, port: number): Promise<string> => {
    const service = new Service(shop);
    shutdown.add('the service', () => service.close());
    return await service.listen(port).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') throw error;
      if (options.port !== undefined) throw new Error(`Port ${port} is taken. Choose another with '--port'.`);
      return service.listen(0);
    });
  };
  const directSource = new CountedSource(database);
  const directUrl = await open(directShop(directSource), 0);
  const cachedDatabase = openDatabase();
  const cachedSource = new CountedSource(cachedDatabase);
  const shop = cachedShop(cachedSource, remote.store);
  shutdown.add('the caches', () => shop.close());
  const cachedUrl = await open(shop, options.once ? 0 : (options.port ?? usualPort));
  return {
    direct: { url: directUrl, database, source: directSource },
    cached: {
      url: cachedUrl,
      database: cachedDatabase,
      source: cachedSource,
      shop,
      caches: () => shop.stats(),
    },
  };
}
