/**
 * Makes a Date, Map or Set read-only in place. Their contents live in internal slots that `Object.freeze` does not reach, so
 * every mutator is shadowed by an own, non-enumerable method that throws: the object still equals, clones and encodes like a
 * normal one. It is no defence against code that calls `Map.prototype.set.call(map, ...)`.
 */

interface Shadows {
  /** The name of a mutator that tells whether an object carries the shadows. */
  readonly mark: string;
  readonly properties: PropertyDescriptorMap;
}

const dateShadows: Shadows = {
  mark: 'setTime',
  properties: shadow(
    'Date',
    Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith('set')),
    Date.prototype,
  ),
};
const mapShadows: Shadows = {
  mark: 'set',
  properties: shadow('Map', ['set', 'delete', 'clear', 'getOrInsert', 'getOrInsertComputed'], Map.prototype),
};
const setShadows: Shadows = {
  mark: 'add',
  properties: shadow('Set', ['add', 'delete', 'clear'], Set.prototype),
};

type ReadOnlyKind = 'date' | 'map' | 'set';

const shadowsOf: Readonly<Record<ReadOnlyKind, Shadows>> = {
  date: dateShadows,
  map: mapShadows,
  set: setShadows,
};

/** Whether it is read-only already, or can be made so: one that somebody else froze takes no shadows any more. */
export function canBeReadOnly(object: object, kind: ReadOnlyKind): boolean {
  return Object.isExtensible(object) || isReadOnly(object, shadowsOf[kind]);
}

/** Does nothing to one that is read-only already. */
export function makeReadOnly(object: object, kind: ReadOnlyKind): void {
  const shadows = shadowsOf[kind];
  if (isReadOnly(object, shadows)) return;
  Object.defineProperties(object, shadows.properties);
  Object.freeze(object);
}

function isReadOnly(object: object, { mark, properties }: Shadows): boolean {
  const own = Object.getOwnPropertyDescriptor(object, mark);
  return own !== undefined && own.value === properties[mark]!.value;
}

function shadow(type: string, names: readonly string[], prototype: object): PropertyDescriptorMap {
  return Object.fromEntries(
    names
      .filter((name) => Object.hasOwn(prototype, name))
      .map((name) => [name, { value: refusal(type, name) }]),
  );
}

function refusal(type: string, name: string): () => never {
  return function refuse(): never {
    throw new TypeError(
      `${type}.${name}() was called on a value that a cache shares between its readers, so it is read-only. ` +
        `Change a copy (structuredClone(value)), or define the cache with sharing: 'clone'.`,
    );
  };
}
