import {
  arrayBytes,
  bigintBytes,
  dateBytes,
  mapBytes,
  numberBytes,
  objectBytes,
  setBytes,
  stringBytes,
  viewBytes,
} from './heap-size.ts';
import { kindOf } from './kind.ts';

/** So many objects are looked at per instance: rows of a mapper may lead to its whole world. */
const mostObjects = 256;

/** So many fields or elements are looked at per object. */
const mostFields = 4096;

/**
 * A rough size of a class instance: its own enumerable fields and what they lead to, as far as `mostObjects` objects. Getters
 * are not called; private fields and the contents of collections are not seen. What was counted is added to `weighed`, so
 * that what many instances share counts once.
 */
export function opaqueBytes(instance: object, weighed: Set<object>): number {
  if (weighed.has(instance)) return 0;
  weighed.add(instance);
  const queue = [instance];
  let bytes = 0;
  for (let index = 0; index < queue.length; index++) {
    const object = queue[index]!;
    const names = ArrayBuffer.isView(object) ? [] : Object.keys(object);
    bytes += ownBytes(object, names.length);
    for (const name of names.length > mostFields ? names.slice(0, mostFields) : names) {
      const part: unknown = Object.getOwnPropertyDescriptor(object, name)?.value;
      if (typeof part === 'string') bytes += stringBytes(part);
      else if (typeof part === 'number') bytes += numberBytes(part);
      else if (typeof part === 'bigint') bytes += bigintBytes(part);
      else if (
        typeof part === 'object' &&
        part !== null &&
        queue.length < mostObjects &&
        !weighed.has(part)
      ) {
        weighed.add(part);
        queue.push(part);
      }
    }
  }
  return bytes;
}

function ownBytes(object: object, fields: number): number {
  switch (kindOf(object)) {
    case 'array':
      return arrayBytes(fields);
    case 'date':
      return dateBytes(false);
    case 'map':
      return mapBytes((object as Map<unknown, unknown>).size, false);
    case 'set':
      return setBytes((object as Set<unknown>).size, false);
    case 'view':
      return viewBytes((object as ArrayBufferView).byteLength);
    case 'object':
    case 'buffer':
    case 'other':
      return objectBytes(fields, false);
  }
}
