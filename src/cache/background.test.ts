import { channel } from 'node:diagnostics_channel';
import { expect, test } from 'vitest';
import { fakeRuntime } from '../testing/fake-runtime.ts';
import { Background } from './background.ts';

const runtime = fakeRuntime({ seed: 1 });

test('work that rejects is fulfilled for the hook, and told as an event', async () => {
  const heard: unknown[] = [];
  const listen = (message: unknown): void => void heard.push(message);
  channel('cistern:background-failed').subscribe(listen);
  const given: Promise<void>[] = [];
  const background = new Background(runtime, (work) => void given.push(work));
  const error = new Error('boom');
  background.run('user', Promise.reject(error));
  expect(background.size).toBe(1);
  await expect(given[0]).resolves.toBeUndefined();
  expect(background.size).toBe(0);
  expect(heard).toEqual([{ cache: 'user', error }]);
  channel('cistern:background-failed').unsubscribe(listen);
});

test('drain waits for what runs and for what that begins, and no longer than it is told', async () => {
  const background = new Background(runtime, undefined);
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  background.run(
    'user',
    first.promise.then(() => background.run('user', second.promise)),
  );
  let drained = false;
  const draining = background.drain(1000).then(() => (drained = true));
  first.resolve();
  await runtime.advance(10);
  expect([drained, background.size]).toEqual([false, 1]);
  second.resolve();
  await draining;
  expect(runtime.timers).toBe(0);
  background.run('user', new Promise(() => undefined));
  const started = runtime.clock.read();
  await runtime.until(background.drain(1000));
  expect(runtime.clock.read() - started).toBe(1000);
});
