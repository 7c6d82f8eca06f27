import { describe, expect, test } from 'vitest';
import type { SocketEvents } from '../core/runtime.ts';
import { type FakeRuntime, fakeRuntime } from './fake-runtime.ts';

const target = { host: 'cache', port: 11_211 };

/** Events that write down what they hear. */
function recorder(): SocketEvents & { readonly log: string[]; text(): string } {
  const log: string[] = [];
  let text = '';
  return {
    log,
    text: () => text,
    connected: () => void log.push('connected'),
    data: (chunk) => {
      text += Buffer.from(chunk).toString('latin1');
      log.push('data');
    },
    drained: () => void log.push('drained'),
    closed: (error) => void log.push(`closed ${(error as { code?: string } | undefined)?.code ?? ''}`.trim()),
  };
}

/** A server that answers every byte with the same byte. */
function echo(runtime: FakeRuntime): ReturnType<FakeRuntime['listen']> {
  return runtime.listen(target, (peer) => {
    peer.data = (chunk) => peer.write(chunk);
  });
}

describe('time', () => {
  test('timers run at their due times, in order, with microtasks and deferred callbacks in between', async () => {
    const runtime = fakeRuntime({ seed: 1 });
    const log: string[] = [];
    const note = (what: string): void => void log.push(`${what}@${runtime.clock.tick - 1_000_000}`);
    runtime.after(20, () => note('b'));
    runtime.after(10, () => {
      note('a');
      runtime.defer(() => note('deferred'));
      void Promise.resolve().then(() => note('microtask'));
      runtime.after(5, () => note('nested'));
    });
    const cancelled = runtime.after(12, () => note('cancelled'));
    cancelled.cancel();
    await runtime.advance(14);
    expect(log).toEqual(['a@10', 'microtask@10', 'deferred@10']);
    await runtime.advance(86);
    expect(log.slice(3)).toEqual(['nested@15', 'b@20']);
    expect(runtime.clock.tick).toBe(1_000_100);
    expect(runtime.clock.read()).toBe(1_000_100);
    expect(runtime.clock.wall()).toBe(Date.UTC(2026, 0, 1) + 100);
    expect(runtime.timers).toBe(0);
  });

  test('until jumps from timer to timer, and says when nothing can settle the promise', async () => {
    const runtime = fakeRuntime({ seed: 1 });
    expect(await runtime.until(new Promise((resolve) => void runtime.after(50_000, () => resolve(7))))).toBe(
      7,
    );
    expect(runtime.clock.tick).toBe(1_050_000);
    await expect(runtime.until(new Promise(() => undefined))).rejects.toThrow('Nothing is left to run');
    await expect(runtime.until(Promise.reject(new Error('mine')))).rejects.toThrow('mine');
  });

  test('what a timer or a deferred callback throws reaches the test, and the others still run', async () => {
    const runtime = fakeRuntime({ seed: 1 });
    let ran = 0;
    const fail = (): void => {
      throw new Error('thrown inside');
    };
    runtime.defer(fail);
    runtime.defer(() => void ran++);
    await expect(runtime.settle()).rejects.toThrow('thrown inside');
    runtime.after(5, fail);
    runtime.after(5, () => void ran++);
    await expect(runtime.advance(5)).rejects.toThrow('thrown inside');
    expect(ran).toBe(2);
  });

  test('chance depends on the seed alone', () => {
    const draw = (seed: number): unknown[] => {
      const runtime = fakeRuntime({ seed });
      return [runtime.random(), runtime.random(), runtime.randomId(), runtime.randomId()];
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw(7)[2]).toMatch(/^[\w-]{8}$/);
    expect(draw(7)[2]).not.toBe(draw(7)[3]);
  });
});

describe('files and names', () => {
  test('files are read, replaced and appended to in memory', async () => {
    const { files } = fakeRuntime({ seed: 1 });
    expect(await files.read('/a')).toBeUndefined();
    await files.append('/a', Buffer.from('x'));
    await files.append('/a', Buffer.from('y'));
    expect(Buffer.from((await files.read('/a'))!).toString()).toBe('xy');
    await files.replace('/a', Buffer.from('z'));
    expect(Buffer.from((await files.read('/a'))!).toString()).toBe('z');
  });

  test('files are drafted and read in pieces in memory', async () => {
    const { files, disk } = fakeRuntime({ seed: 1 });
    expect(await files.open('/a')).toBeUndefined();
    const [kept, dropped] = [await files.draft('/a'), await files.draft('/a')];
    for (const part of ['on', 'e']) await kept.write(Buffer.from(part));
    await dropped.write(Buffer.from('two'));
    expect(disk.size).toBe(0);
    await kept.commit();
    await dropped.discard();
    const file = (await files.open('/a'))!;
    await files.replace('/a', Buffer.from('three'));
    expect(file.bytes).toBe(3);
    expect(Buffer.from(await file.read(1, 9)).toString()).toBe('ne');
    await file.close();
  });

  test('names resolve by the table, addresses to themselves, others not', async () => {
    const runtime = fakeRuntime({ seed: 1 });
    runtime.names.set('cache', ['10.0.0.1', '10.0.0.2']);
    expect(await runtime.resolve('cache')).toEqual(['10.0.0.1', '10.0.0.2']);
    expect(await runtime.resolve('10.9.9.9')).toEqual(['10.9.9.9']);
    await expect(runtime.resolve('nowhere')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });
});

describe('network', () => {
  test('connects, carries bytes both ways in order, and closes once', async () => {
    for (const chunks of ['written', 'bytes', 'anywhere'] as const) {
      const runtime = fakeRuntime({ seed: 3 });
      runtime.network.chunks = chunks;
      runtime.network.delay = [1, 30];
      const listener = echo(runtime);
      const events = recorder();
      const socket = runtime.connect(target, events);
      await runtime.advance(100);
      const words = Array.from({ length: 50 }, (_, index) => `word ${index};`);
      for (const word of words) socket.write([word.slice(0, 3), Buffer.from(word.slice(3))]);
      await runtime.advance(10_000);
      expect(events.text()).toBe(words.join(''));
      if (chunks === 'bytes')
        expect(events.log.filter((each) => each === 'data')).toHaveLength(words.join('').length);
      expect(listener.accepted).toBe(1);
      socket.destroy();
      socket.destroy();
      await runtime.advance(100);
      expect(events.log.filter((each) => each === 'closed')).toHaveLength(1);
      expect(listener.peers.size).toBe(0);
    }
  });

  test('a run depends on the seed alone', async () => {
    const run = async (seed: number): Promise<readonly string[]> => {
      const runtime = fakeRuntime({ seed });
      runtime.network.chunks = 'anywhere';
      runtime.network.delay = [0, 9];
      echo(runtime);
      const log: string[] = [];
      const socket = runtime.connect(target, {
        ...recorder(),
        data: (chunk) => void log.push(`${Buffer.from(chunk).toString()}@${runtime.clock.tick}`),
      });
      for (let word = 0; word < 20; word++) {
        socket.write([`word ${word};`]);
        await runtime.advance(runtime.random() * 5);
      }
      await runtime.advance(100);
      return log;
    };
    expect(await run(5)).toEqual(await run(5));
    expect(await run(5)).not.toEqual(await run(6));
  });

  test('a chunk is lent for the time of the call', async () => {
    const runtime = fakeRuntime({ seed: 1 });
    runtime.listen(target, (peer) => peer.write('hello'));
    let kept: Uint8Array | undefined;
    runtime.connect(target, { ...recorder(), data: (chunk) => void (kept = chunk) });
    await runtime.settle();
    expect(Buffer.from(kept!).toString('hex')).toBe('ee'.repeat(5));
  });

  test('a name connects to the server at one of its addresses', async () => {
    const runtime = fakeRuntime({ seed: 1 });
    runtime.names.set('cache.local', ['10.0.0.1']);
    runtime.listen({ host: '10.0.0.1', port: 5 }, (peer) => peer.write('hello'));
    const events = recorder();
    runtime.connect({ host: 'cache.local', port: 5 }, events);
    await runtime.settle();
    expect(events.text()).toBe('hello');
  });

  test('refused, ignored, cut and dead servers', async () => {
    const runtime = fakeRuntime({ seed: 1 });
    const nobody = recorder();
    runtime.connect(target, nobody);
    await runtime.settle();
    expect(nobody.log).toEqual(['closed ECONNREFUSED']);

    const listener = echo(runtime);
    listener.answer = 'refuse';
    const refused = recorder();
    runtime.connect(target, refused);
    await runtime.settle();
    expect(refused.log).toEqual(['closed ECONNREFUSED']);

    listener.answer = 'ignore';
    const ignored = recorder();
    const waiting = runtime.connect(target, ignored);
    await runtime.advance(60_000);
    expect(ignored.log).toEqual([]);
    waiting.destroy();
    await runtime.settle();
    expect(ignored.log).toEqual(['closed']);

    listener.answer = 'accept';
    const cut = recorder();
    runtime.connect(target, cut);
    await runtime.settle();
    listener.cutAll();
    await runtime.settle();
    expect(cut.log).toEqual(['connected', 'closed ECONNRESET']);

    listener.close();
    const dead = recorder();
    runtime.connect(target, dead);
    await runtime.settle();
    expect(dead.log).toEqual(['closed ECONNREFUSED']);
    expect(() => echo(runtime)).not.toThrow();
  });

  test('a frozen server accepts and takes bytes, answers nothing, and catches up afterwards', async () => {
    const runtime = fakeRuntime({ seed: 1 });
    const listener = echo(runtime);
    listener.frozen = true;
    const events = recorder();
    const socket = runtime.connect(target, events);
    await runtime.settle();
    socket.write(['abc']);
    await runtime.advance(60_000);
    expect(events.log).toEqual(['connected']);
    listener.frozen = false;
    await runtime.settle();
    expect(events.text()).toBe('abc');
  });

  test('what was written before destroy still arrives: a command cannot be unsent', async () => {
    const runtime = fakeRuntime({ seed: 1 });
    runtime.network.delay = 20;
    let heard = '';
    let closed = 0;
    runtime.listen(target, (peer) => {
      peer.data = (chunk) => void (heard += Buffer.from(chunk).toString());
      peer.closed = () => void closed++;
    });
    const events = recorder();
    const socket = runtime.connect(target, events);
    await runtime.advance(20);
    socket.write(['late']);
    socket.destroy();
    await runtime.advance(10);
    expect([heard, closed, events.log]).toEqual(['', 0, ['connected', 'closed']]);
    await runtime.advance(10);
    expect([heard, closed]).toEqual(['late', 1]);
  });

  test('what the server wrote before it closed still arrives, then the end', async () => {
    const runtime = fakeRuntime({ seed: 1 });
    runtime.network.delay = 5;
    runtime.listen(target, (peer) => {
      peer.write('bye');
      peer.close();
    });
    const events = recorder();
    runtime.connect(target, events);
    await runtime.advance(50);
    expect(events.log).toEqual(['connected', 'data', 'closed']);
  });

  test('write answers false above the window, then drained is called; pause holds deliveries', async () => {
    const runtime = fakeRuntime({ seed: 1 });
    runtime.network.window = 10;
    echo(runtime);
    const events = recorder();
    const socket = runtime.connect(target, events);
    await runtime.settle();
    expect(socket.write(['0123456789'])).toBe(true);
    expect(socket.write(['0'])).toBe(false);
    socket.pause();
    await runtime.settle();
    expect(events.log).toEqual(['connected', 'drained']);
    socket.resume();
    await runtime.settle();
    expect(events.text()).toBe('01234567890');
  });
});
