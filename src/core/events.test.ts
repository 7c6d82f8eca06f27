import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, test } from 'vitest';
import { type Events, heard, tell } from './events.ts';

const kinds: readonly (keyof Events)[] = [
  'load',
  'store-failed',
  'not-kept',
  'stale',
  'removed',
  'background-failed',
  'servers',
  'connection',
];

test.each(kinds)('%s is heard while somebody listens, and published to them alone', (kind) => {
  const messages: unknown[] = [];
  const listener = (message: unknown): void => void messages.push(message);
  const message = { cache: 'user', key: '1' } as never;
  expect(heard(kind)).toBe(false);
  tell(kind, message);
  subscribe(`cistern:${kind}`, listener);
  expect(heard(kind)).toBe(true);
  for (const other of kinds) expect(heard(other)).toBe(other === kind);
  tell(kind, message);
  unsubscribe(`cistern:${kind}`, listener);
  tell(kind, message);
  expect(heard(kind)).toBe(false);
  expect(messages).toEqual([message]);
});
