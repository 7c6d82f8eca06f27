import type { ProxyOptions } from '../../src/proxy/proxy-options.ts';
import { type Proxy, serveProxy } from '../../src/proxy/proxy.ts';
import type { Reply } from '../../src/core/store.ts';
import { type FakeRuntime, fakeRuntime } from '../../src/testing/fake-runtime.ts';
import { HeldStore } from './held-store.ts';
import { Talk } from './talk.ts';

const address = '10.0.0.1:11211';

/** A proxy on simulated time and network, in front of a store that answers when it is told to. */
export class Served {
  readonly runtime: FakeRuntime = fakeRuntime({ seed: 1 });
  readonly store = new HeldStore();
  proxy!: Proxy;

  static async by(options: Partial<ProxyOptions> = {}): Promise<Served> {
    const served = new Served();
    const { runtime } = served;
    served.proxy = await serveProxy(served.store, {
      listen: address,
      runtime,
      drainTimeout: '1s',
      ...options,
    });
    return served;
  }

  async end(): Promise<void> {
    for (const held of this.store.held.splice(0)) held.answer({ kind: 'notFound' });
    await this.runtime.until(this.proxy.close());
  }

  async talk(): Promise<Talk> {
    const opened = new Talk(this.runtime, address);
    await this.runtime.settle();
    return opened;
  }

  /** The keys of what the store holds. */
  get keys(): readonly string[] {
    return this.store.held.map(({ operation }) => operation.key);
  }

  /** What a client of its own is answered when the store replies so, one by one. */
  async answerTo(request: string, ...replies: readonly Reply[]): Promise<string> {
    const client = await this.talk();
    client.send(request);
    await this.runtime.settle();
    for (const reply of replies) {
      this.store.answer(0, reply);
      await this.runtime.settle();
    }
    const said = client.take();
    client.destroy();
    return said;
  }
}
