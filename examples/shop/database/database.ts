import pg from 'pg';

/** Where a PostgreSQL listens, and who may come in. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** A pool of connections that counts what is asked of it. */
export class Database {
  /** The queries sent so far, by the first word of their names: `home`, `product`, ... */
  readonly queries: Map<string, number> = new Map();
  readonly #pool: pg.Pool;

  constructor(address: Address, connections: number) {
    this.#pool = new pg.Pool({ ...address, max: connections });
    // A connection that is lost while it is idle is replaced at the next query; the query that meets it reports it.
    this.#pool.on('error', () => {});
  }

  /** Runs a query, prepared under `name` on first use. The name begins with what the query is for: `home-top-rated`. */
  async query<Row>(name: string, text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const purpose = name.slice(0, name.indexOf('-'));
    this.queries.set(purpose, (this.queries.get(purpose) ?? 0) + 1);
    return (await this.#pool.query({ name, text, values: [...values] })).rows as Row[];
  }

  /** Runs several statements without values. */
  async script(text: string): Promise<void> {
    await this.#pool.query(text);
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}
