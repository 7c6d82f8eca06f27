import type { Clock, Runtime } from '../../src/core/runtime.ts';

/** The same runtime with another wall clock: `ahead` tells by how many milliseconds, at any time. */
export function skewedRuntime(runtime: Runtime, ahead: () => number): Runtime {
  const { clock } = runtime;
  const skewed: Clock = {
    get tick() {
      return clock.tick;
    },
    set tick(tick: number) {
      clock.tick = tick;
    },
    get wholeTick() {
      return clock.wholeTick;
    },
    set wholeTick(tick: number) {
      clock.wholeTick = tick;
    },
    read: () => clock.read(),
    wall: () => clock.wall() + ahead(),
  };
  return new Proxy(runtime, {
    get(target, name) {
      if (name === 'clock') return skewed;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
