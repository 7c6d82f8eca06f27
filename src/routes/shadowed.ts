import { tell } from '../core/events.ts';
import { crc32, realRuntime, type Runtime } from '../core/runtime.ts';
import type { Destination, Operation, Reply, Store } from '../core/store.ts';
import { unconditional } from './cleaning.ts';
import { guardedPart } from './guarded-part.ts';
import { murmur3 } from './placement/murmur3.ts';
import {
  checkedChoice,
  checkedCount,
  checkedFlag,
  checkedName,
  checkedOptions,
  checkedPart,
  checkedShare,
} from './route-options.ts';
import { Route } from './route.ts';

export interface ShadowedOptions {
  /** How much of the traffic is copied: 0 to 1. */
  readonly share: number;
  /** A share of the keys, each with all its operations (default), or of the requests, whichever they are. */
  readonly by?: 'key' | 'request';
  /** Whether the answers of gets are compared: a difference is the event `shadow-differs`. Only by key. Default `false`. */
  readonly compare?: boolean;
  /** Most copies under way at once; beyond it none is made. Default 1000. */
  readonly outstanding?: number;
  /** Default `shadowed`. */
  readonly name?: string;
  /** Default: the machine's own. */
  readonly runtime?: Runtime;
}

/** A store with a shadow. */
export interface ShadowedStore extends Store {
  /** Copies sent, and those that were not, because too many were under way; gets compared, and found different. */
  stats(): ShadowStatistics;
}

export interface ShadowStatistics {
  readonly copied: number;
  readonly dropped: number;
  readonly compared: number;
  readonly different: number;
}

/**
 * Copies a share of the traffic to another store, to see how that bears it before anything depends on it. Nobody waits for the
 * shadow, and its answers go nowhere: the store's promise is handed on.
 *
 * The copy has no CAS, and asks for no lease and no recache: those are the store's own. So what is filled by CAS is a plain set there.
 * A value is copied, as its writer may use the buffer again once the store has answered.
 */
export function shadowed(store: Store, shadow: Store, options: ShadowedOptions): ShadowedStore {
  checkedOptions(options, ['share', 'by', 'compare', 'outstanding', 'name', 'runtime']);
  const by = checkedChoice('by', options.by ?? 'key', ['key', 'request']);
  const compare = checkedFlag('compare', options.compare ?? false);
  // A shadow that gets some of the writes only would differ for that reason alone.
  if (compare) checkedChoice('by', by, ['key']);
  return new Shadowed(checkedPart('store', store), checkedPart('shadow', shadow), {
    share: checkedShare('share', options.share),
    by,
    compare,
    outstanding: checkedCount('outstanding', options.outstanding ?? 1000, 1, 1_000_000_000),
    name: checkedName(options.name, 'shadowed'),
    runtime: options.runtime ?? realRuntime,
  });
}

/** Keys are chosen by another hash than the one that places them, or the shadow would see the keys of a few servers. */
const seed = 0x5ad0;

class Shadowed extends Route implements ShadowedStore {
  readonly #store: Store;
  readonly #shadow: Store;
  readonly #options: Required<ShadowedOptions>;
  #underWay = 0;
  #copied = 0;
  #dropped = 0;
  #compared = 0;
  #different = 0;

  constructor(store: Store, shadow: Store, options: Required<ShadowedOptions>) {
    super(options.name, [store, shadow]);
    this.#store = guardedPart(store);
    this.#shadow = guardedPart(shadow);
    this.#options = options;
  }

  protected ask(operation: Operation): Promise<Reply> {
    const chosen = this.#chosen(operation);
    const answer = this.#store.execute(operation);
    if (chosen) this.#copy(operation, answer);
    return answer;
  }

  destinations(operation: Operation): readonly Destination[] {
    const [store, shadow] = this.parts as readonly [Store, Store];
    const first: Destination = { store, role: 'first', operation };
    const copy = copyOf(operation);
    const possible = this.#options.by === 'key' ? this.#chosen(operation) : this.#options.share > 0;
    return copy === undefined || !possible
      ? [first]
      : [first, { store: shadow, role: 'share', operation: copy }];
  }

  stats(): ShadowStatistics {
    return {
      copied: this.#copied,
      dropped: this.#dropped,
      compared: this.#compared,
      different: this.#different,
    };
  }

  #chosen(operation: Operation): boolean {
    const { by, share, runtime } = this.#options;
    const chance = by === 'key' ? (murmur3(operation.key, seed) >>> 0) / 2 ** 32 : runtime.random();
    return chance < share;
  }

  #copy(operation: Operation, answer: Promise<Reply>): void {
    const copy = copyOf(operation);
    if (copy === undefined) return;
    if (this.#underWay >= this.#options.outstanding) {
      this.#dropped++;
      return;
    }
    this.#underWay++;
    this.#copied++;
    const shadows = this.#shadow.execute(copy);
    void shadows.then(this.#done);
    if (this.#options.compare && operation.kind === 'get') this.#compare(operation.key, answer, shadows);
  }

  readonly #done = (): void => {
    this.#underWay--;
  };

  #compare(key: string, answer: Promise<Reply>, shadows: Promise<Reply>): void {
    // Looked at before the caller sees it, for the bytes are the caller's.
    const seen = answer.then(looked);
    void seen.then(async (main) => {
      const shadow = looked(await shadows);
      if (main.kind === 'failed') return;
      this.#compared++;
      if (main.kind === shadow.kind && main.content === shadow.content) return;
      this.#different++;
      tell('shadow-differs', { store: this.name, key, main: main.kind, shadow: shadow.kind });
    });
  }
}

interface Look {
  readonly kind: 'hit' | 'miss' | 'failed';
  /** Stands for flags and value. */
  readonly content: string;
}

function looked(reply: Reply): Look {
  if (reply.kind === 'hit')
    return { kind: 'hit', content: `${reply.flags}:${reply.value.length}:${crc32(reply.value)}` };
  return { kind: reply.kind === 'miss' ? 'miss' : 'failed', content: '' };
}

/** What the shadow is asked; `undefined`: nothing. */
function copyOf(operation: Operation): Operation | undefined {
  switch (operation.kind) {
    case 'get': {
      const { lease: _, recache: __, ...rest } = operation;
      return rest;
    }
    case 'set': {
      const { cas: _, value, ...rest } = operation;
      // What is no value is left to be refused.
      return { ...rest, value: value instanceof Uint8Array ? new Uint8Array(value) : value };
    }
    case 'delete':
      return unconditional(operation);
    case 'touch':
    case 'count':
      return operation;
    default:
      return undefined;
  }
}
