/** The parts used here of the libraries that bring no types. */

declare module 'memjs' {
  export class Client {
    static create(servers: string, options?: Record<string, unknown>): Client;
    get(key: string): Promise<{ value: Buffer | null; flags: Buffer | null }>;
    set(key: string, value: Buffer | string, options: { expires?: number }): Promise<boolean>;
    close(): void;
  }
}

declare module 'memcached' {
  export default class Memcached {
    constructor(servers: string, options?: Record<string, unknown>);
    get(key: string, callback: (error: Error | undefined, value: unknown) => void): void;
    set(
      key: string,
      value: string,
      lifetime: number,
      callback: (error: Error | undefined, stored: boolean) => void,
    ): void;
    getMulti(
      keys: readonly string[],
      callback: (error: Error | undefined, values: Record<string, unknown>) => void,
    ): void;
    end(): void;
  }
}
