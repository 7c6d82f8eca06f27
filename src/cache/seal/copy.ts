import { kindOf } from './kind.ts';

/**
 * A deep copy that may be changed freely. Dates, Maps, Sets, Buffers (as Buffers, with memory of their own), typed arrays and
 * references shared within the value come out as they went in; what was frozen or read-only is not any more. Class instances
 * are not copied. For values that passed `seal`: acyclic, without accessors.
 */
export function copy(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? copyObject(value, new Map()) : value;
}

function copyObject(value: object, copies: Map<object, object>): object {
  const known = copies.get(value);
  if (known !== undefined) return known;
  const made = emptyCopy(value);
  copies.set(value, made);
  if (made !== value) fill(made, value, copies);
  return made;
}

/** The copy, complete except for the objects inside. */
function emptyCopy(value: object): object {
  switch (kindOf(value)) {
    case 'object':
      return Object.getPrototypeOf(value) === null
        ? (Object.assign(Object.create(null) as object, value) as object)
        : { ...value };
    case 'array':
      return (value as unknown[]).slice();
    case 'date':
      return new Date((value as Date).getTime());
    case 'map':
      return new Map();
    case 'set':
      return new Set();
    case 'view':
      return copyView(value as ArrayBufferView<ArrayBuffer>);
    case 'buffer':
      return (value as ArrayBuffer).slice(0);
    case 'other':
      return value;
  }
}

function fill(made: object, value: object, copies: Map<object, object>): void {
  if (Array.isArray(made)) {
    for (let index = 0; index < made.length; index++) {
      const part: unknown = made[index];
      if (typeof part === 'object' && part !== null) made[index] = copyObject(part, copies);
    }
  } else if (made instanceof Map) {
    for (const [key, part] of value as Map<unknown, unknown>) {
      made.set(copyPart(key, copies), copyPart(part, copies));
    }
  } else if (made instanceof Set) {
    for (const part of value as Set<unknown>) made.add(copyPart(part, copies));
  } else if (!ArrayBuffer.isView(made)) {
    // Names that are own already are plain assignments, `__proto__` too.
    const fields = made as Record<string, unknown>;
    for (const key of Object.keys(fields)) {
      const part = fields[key];
      if (typeof part === 'object' && part !== null) fields[key] = copyObject(part, copies);
    }
  }
}

function copyPart(part: unknown, copies: Map<object, object>): unknown {
  return typeof part === 'object' && part !== null ? copyObject(part, copies) : part;
}

/** `Buffer.prototype.slice` would share the memory; this one copies, and makes the kind of view that it is called on. */
const sliceView = Reflect.get(Uint8Array.prototype, 'slice') as { call(view: object): ArrayBufferView };

function copyView(view: ArrayBufferView<ArrayBuffer>): ArrayBufferView {
  if (view instanceof DataView) {
    return new DataView(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
  }
  return sliceView.call(view);
}
