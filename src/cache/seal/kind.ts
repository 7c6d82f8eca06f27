/** What an object is, as far as the near tier can hold it. Told by its prototype and brand, without reading its properties. */
export type Kind = 'object' | 'array' | 'date' | 'map' | 'set' | 'view' | 'buffer' | 'other';

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;

/**
 * `other` is a class instance, or a Proxy around anything but a plain object or array. Plain objects and arrays of another
 * realm (`node:vm`) are plain. Throws what a Proxy's trap throws.
 */
export function kindOf(value: object): Kind {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === Object.prototype || prototype === null) return 'object';
  if (Array.isArray(value)) return Array.isArray(prototype) ? 'array' : 'other';
  if (prototype === Date.prototype) return branded(value, 'date');
  if (prototype === Map.prototype) return branded(value, 'map');
  if (prototype === Set.prototype) return branded(value, 'set');
  if (ArrayBuffer.isView(value)) return isPlainView(prototype) ? 'view' : 'other';
  if (prototype === ArrayBuffer.prototype) return branded(value, 'buffer');
  return isForeignObject(prototype) ? 'object' : 'other';
}

/** Whether it really is what its prototype says: a Proxy, or an object made from the prototype, is not. */
function branded(value: object, kind: keyof typeof probes): Kind {
  try {
    probes[kind](value as never);
    return kind;
  } catch {
    return 'other';
  }
}

const probes = {
  date: (value: Date): unknown => Date.prototype.getTime.call(value),
  map: (value: Map<unknown, unknown>): unknown => Map.prototype.has.call(value, undefined),
  set: (value: Set<unknown>): unknown => Set.prototype.has.call(value, undefined),
  buffer: (value: ArrayBuffer): unknown => Reflect.get(ArrayBuffer.prototype, 'byteLength', value),
};

/** The typed arrays of the language, DataView, and Node's Buffer. */
function isPlainView(prototype: object): boolean {
  return (
    prototype === Buffer.prototype ||
    prototype === DataView.prototype ||
    Object.getPrototypeOf(prototype) === typedArray
  );
}

/** Another realm's `Object.prototype`: it ends the chain and carries what only that one does. */
function isForeignObject(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, '__lookupGetter__');
}
