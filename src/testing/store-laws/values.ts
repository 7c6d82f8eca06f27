import { strict as assert } from 'node:assert';
import { largestFlags, longestKey } from '../../core/store.ts';
import { expectKind, setOf, textOf } from '../store-trial.ts';
import { law, type Law } from './law.ts';

const lineEnds = 'a\r\nmn\r\nEN\r\nVA 2\r\nhi\r\n';

/** Values come back as they went in. */
export const valueLaws: readonly Law[] = [
  law('a key that was never set is a miss without a lease', async (trial) => {
    assert.deepEqual(await trial.get(trial.key()), { kind: 'miss', lease: 'none', cas: '' });
  }),

  law('a value comes back byte for byte', async (trial) => {
    const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);
    const large = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 31) & 0xff);
    for (const value of [everyByte, Buffer.from(lineEnds), large, Buffer.from('0')]) {
      const key = trial.key();
      expectKind(await trial.set(key, value), 'stored');
      const { value: read } = await trial.hit(key);
      assert.ok(read instanceof Uint8Array);
      assert.ok(Buffer.from(value).equals(read), 'the bytes differ');
    }
  }),

  law('an empty value is a hit', async (trial) => {
    const key = trial.key();
    expectKind(await trial.set(key, ''), 'stored');
    assert.equal((await trial.hit(key)).value.length, 0);
    const asked = await trial.hit(key, { lease: 30_000 });
    assert.equal(asked.claim, 'none');
    await trial.hit(key, { recache: 3_000_000 });
    assert.equal((await trial.hit(key)).value.length, 0, 'it turned into a placeholder');
  }),

  law('flags from 0 to 511 are kept', async (trial) => {
    for (const flags of [0, 1, 2, 255, 256, largestFlags]) {
      const key = trial.key();
      expectKind(await trial.set(key, 'x', { flags }), 'stored');
      assert.equal((await trial.hit(key)).flags, flags);
    }
  }),

  law('a hit on a fresh entry is unmarked, and gives no right to anybody', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'x');
    for (const wanted of [{}, { lease: 30_000 }, { recache: 1000 }]) {
      const hit = await trial.hit(key, wanted);
      assert.equal(hit.claim, 'none');
      assert.equal(hit.marked, false);
      assert.notEqual(hit.cas, '');
    }
  }),

  law('a set replaces value, flags and life', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'old', { flags: 7 });
    await trial.set(key, 'new', { flags: 9, life: { freshFor: 60_000, staleFor: 0 } });
    const hit = await trial.hit(key);
    assert.equal(textOf(hit), 'new');
    assert.equal(hit.flags, 9);
    assert.ok(hit.expiresIn < 70_000 && hit.freshFor > 50_000);
  }),

  law('the writer may use its buffer again once the reply is there', async (trial) => {
    const key = trial.key();
    const buffer = Buffer.from('mine');
    expectKind(await trial.set(key, buffer), 'stored');
    buffer.fill('!');
    assert.equal(textOf(await trial.get(key)), 'mine');
  }),

  law(
    'the bytes of a hit belong to the reader: neither a later write nor the reader changes the other',
    async (trial) => {
      const key = trial.key();
      await trial.set(key, 'first');
      const first = await trial.hit(key);
      await trial.set(key, 'other');
      await trial.hit(key);
      assert.equal(textOf(first), 'first');
      (await trial.hit(key)).value.fill(0);
      assert.equal(textOf(await trial.get(key)), 'other');
    },
  ),

  law('keys are distinct by every character, up to the longest', async (trial) => {
    const prefix = trial.key();
    const printable = String.fromCharCode(...Array.from({ length: 94 }, (_, index) => 0x21 + index));
    const longest = `${prefix}:`.padEnd(longestKey - 1, 'x');
    const keys = [`${prefix}a`, `${prefix}A`, `${prefix}${printable}`, `${longest}1`, `${longest}2`];
    await trial.askAll(keys.map((key, index) => setOf(key, `value ${index}`)));
    const replies = await trial.askAll(keys.map((key) => ({ kind: 'get', key })));
    assert.deepEqual(
      replies.map(textOf),
      keys.map((_, index) => `value ${index}`),
    );
  }),

  law('delete removes the entry; of a missing one it says so', async (trial) => {
    const key = trial.key();
    await trial.set(key, 'x');
    expectKind(await trial.remove(key), 'stored');
    await trial.miss(key);
    expectKind(await trial.remove(key), 'notFound');
  }),

  law(
    'a value that the store cannot hold is a failed write, and the older value is not served',
    async (trial) => {
      const key = trial.key();
      await trial.set(key, 'old');
      const huge = new Uint8Array(3 * 1024 * 1024);
      const reply = await trial.set(key, huge);
      if (reply.kind === 'stored') assert.equal((await trial.hit(key)).value.length, huge.length);
      else {
        expectKind(reply, 'failed');
        await trial.miss(key);
      }
      expectKind(await trial.set(key, 'small'), 'stored');
      assert.equal(textOf(await trial.get(key)), 'small');
    },
  ),
];
