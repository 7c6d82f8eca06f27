import {
  arrayBufferBytes,
  arrayBytes,
  bigintBytes,
  dateBytes,
  isDictionary,
  mapBytes,
  numberBytes,
  objectBytes,
  setBytes,
  stringBytes,
  viewBytes,
} from './heap-size.ts';
import { kindOf } from './kind.ts';
import type { Kind } from './kind.ts';
import { opaqueBytes } from './opaque-size.ts';
import { canBeReadOnly } from './read-only.ts';

/** Deeper values are refused: serialisers, `structuredClone` and comparisons recurse, and overflow the stack not far beyond. */
const deepest = 1000;

/** More holes than this, and more holes than elements, make an array sparse. */
const mostHoles = 1024;

/** A key or index; which of several things it stands for is told by `Via`. */
type Step = string | number;

type Via = 'property' | 'key' | 'value';

/** `__lookupGetter__` tells an accessor from a field without calling it, at a fifth of the price of a property descriptor. */
const lookupGetter = Reflect.get(Object.prototype, '__lookupGetter__') as {
  call(object: object, key: PropertyKey): unknown;
};

/**
 * One walk over a value: is every part storable, what does it weigh, and which objects is it made of? Reads own enumerable
 * properties, never calls a getter, changes nothing. Visits an object once however often it is referred to; only a reference
 * back to an object that contains it is a cycle.
 */
export class Survey {
  /** Heap bytes of all parts. */
  bytes = 0;
  /** Whether a part cannot be made read-only: Buffers, typed arrays, ArrayBuffers, and collections that somebody else froze. */
  unfreezable = false;
  /** Every object inside, and its kind, except the opaque ones. */
  readonly objects: object[] = [];
  readonly kinds: Kind[] = [];
  /** Set once `visit` has answered false. */
  path = '';
  problem = '';

  readonly #frozen: boolean;
  readonly #opaque: boolean;
  /** True while the walk is inside the object. */
  readonly #seen = new Map<object, boolean>();
  readonly #weighed = new Set<object>();
  readonly #steps: Step[] = [];
  readonly #vias: Via[] = [];

  /** `frozen`: the objects will be frozen, which changes their size. `opaque`: let class instances through. */
  constructor(frozen: boolean, opaque: boolean) {
    this.#frozen = frozen;
    this.#opaque = opaque;
  }

  /** False: there is an unstorable part, told by `path` and `problem`. */
  visit(value: object): boolean {
    const open = this.#seen.get(value);
    if (open === true) return this.#refuse('refers back to an object that contains it');
    if (open === false) return true;
    if (this.#steps.length > deepest) return this.#refuse(`is nested more than ${deepest} levels deep`);
    const kind = kindOf(value);
    if (kind === 'other') return this.#other(value);
    this.objects.push(value);
    this.kinds.push(kind);
    this.#seen.set(value, true);
    const storable = this.#contents(value, kind);
    this.#seen.set(value, false);
    return storable;
  }

  #contents(value: object, kind: Exclude<Kind, 'other'>): boolean {
    switch (kind) {
      case 'object':
        return this.#object(value as Record<string, unknown>);
      case 'array':
        return this.#array(value as unknown[]);
      case 'date':
        this.bytes += dateBytes(this.#frozen);
        this.unfreezable ||= !canBeReadOnly(value, 'date');
        return true;
      case 'map':
        return this.#map(value as Map<unknown, unknown>);
      case 'set':
        return this.#set(value as Set<unknown>);
      case 'view':
        this.bytes += viewBytes((value as ArrayBufferView).byteLength);
        this.unfreezable = true;
        return true;
      case 'buffer':
        this.bytes += arrayBufferBytes((value as ArrayBuffer).byteLength);
        this.unfreezable = true;
        return true;
    }
  }

  #object(value: Record<string, unknown>): boolean {
    const keys = Object.keys(value);
    if (Object.getOwnPropertySymbols(value).length > 0) {
      return this.#refuse('has a property whose key is a symbol');
    }
    const dictionary = isDictionary(keys.length, Object.getPrototypeOf(value) as object | null);
    this.bytes += objectBytes(keys.length, dictionary);
    for (const key of keys) {
      if (lookupGetter.call(value, key) !== undefined) return this.#refuse('is an accessor', key);
      if (dictionary) this.bytes += stringBytes(key);
      const part = value[key];
      if (typeof part === 'number') this.bytes += numberBytes(part);
      else if (!this.#part(part, key, 'property')) return false;
    }
    return true;
  }

  #array(value: unknown[]): boolean {
    const length = value.length;
    this.bytes += arrayBytes(length);
    let holes = 0;
    for (let index = 0; index < length; index++) {
      if (lookupGetter.call(value, index) !== undefined) return this.#refuse('is an accessor', index);
      const part = value[index];
      if (typeof part === 'number') {
        this.bytes += numberBytes(part);
      } else if (part === undefined) {
        if (Object.hasOwn(value, index)) continue;
        if (++holes > mostHoles && holes > index / 2) return this.#refuse('is a sparse array');
      } else if (!this.#part(part, index, 'property')) return false;
    }
    return true;
  }

  #map(value: Map<unknown, unknown>): boolean {
    this.bytes += mapBytes(value.size, this.#frozen);
    this.unfreezable ||= !canBeReadOnly(value, 'map');
    let index = 0;
    // The language's own iterator: an object may carry another.
    for (const [key, part] of Map.prototype.entries.call(value) as MapIterator<[unknown, unknown]>) {
      if (!this.#part(key, index, 'key')) return false;
      if (!this.#part(part, typeof key === 'string' ? key : index, 'value')) return false;
      index++;
    }
    return true;
  }

  #set(value: Set<unknown>): boolean {
    this.bytes += setBytes(value.size, this.#frozen);
    this.unfreezable ||= !canBeReadOnly(value, 'set');
    let index = 0;
    for (const part of Set.prototype.values.call(value) as SetIterator<unknown>)
      if (!this.#part(part, index++, 'value')) return false;
    return true;
  }

  #part(part: unknown, step: Step, via: Via): boolean {
    switch (typeof part) {
      case 'string':
        this.bytes += stringBytes(part);
        return true;
      case 'number':
        this.bytes += numberBytes(part);
        return true;
      case 'bigint':
        this.bytes += bigintBytes(part);
        return true;
      case 'boolean':
      case 'undefined':
        return true;
      case 'function':
      case 'symbol':
        return this.#refuse(`is a ${typeof part}`, step, via);
      case 'object': {
        if (part === null) return true;
        this.#steps.push(step);
        this.#vias.push(via);
        const storable = this.visit(part);
        if (storable) {
          this.#steps.pop();
          this.#vias.pop();
        }
        return storable;
      }
    }
  }

  #other(value: object): boolean {
    if (!this.#opaque) return this.#refuse(`is ${describe(value)}, not plain data`);
    this.bytes += opaqueBytes(value, this.#weighed);
    return true;
  }

  #refuse(problem: string, step?: Step, via: Via = 'property'): false {
    if (step !== undefined) {
      this.#steps.push(step);
      this.#vias.push(via);
    }
    this.path = render(this.#steps, this.#vias);
    this.problem = problem;
    return false;
  }
}

function describe(value: object): string {
  const constructor: unknown = Object.getOwnPropertyDescriptor(
    Object.getPrototypeOf(value) as object,
    'constructor',
  )?.value;
  const name = typeof constructor === 'function' ? constructor.name : '';
  return name === '' ? 'a class instance' : `a class instance (${name.slice(0, 80)})`;
}

const longestPath = 30;

/** The steps as an expression: `value.items[3].fn`. The middle of a long one is left out. */
function render(steps: readonly Step[], vias: readonly Via[]): string {
  const parts = steps.map((step, index) => renderStep(step, vias[index]!));
  if (parts.length <= longestPath) return `value${parts.join('')}`;
  const half = longestPath / 2;
  return `value${parts.slice(0, half).join('')} ... ${parts.slice(-half).join('')}`;
}

function renderStep(step: Step, via: Via): string {
  if (via === 'key') return `.keys()[${step}]`;
  if (via === 'value') return typeof step === 'string' ? `.get(${quote(step)})` : `.values()[${step}]`;
  if (typeof step === 'number') return `[${step}]`;
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]{0,79}$/u.test(step) ? `.${step}` : `[${quote(step)}]`;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 37)}...` : text);
}
