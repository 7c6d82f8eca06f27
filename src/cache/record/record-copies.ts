import { type GetOperation, longestLife, type Reply, type SetOperation } from '../../core/store.ts';
import type { GuardedStore } from '../guarded-store.ts';
import { decodeRecord, encodeRecord, type RecordContent, sameContent } from './record-content.ts';
import { copiesIn } from './record-places.ts';

/** What one copy answered. */
export interface CopyAnswer {
  readonly copy: number;
  /** `absent`: there is no record, or something else in its place. */
  readonly found: 'record' | 'absent' | 'failed';
  /** With `record`. */
  readonly content: RecordContent | undefined;
  readonly reply: Reply;
}

const life = { freshFor: longestLife, staleFor: 0 };
const attempts = 5;

/**
 * The copies of a record in a store. All have the same key, whatever their number: a server that becomes the second choice
 * when the first one leaves has the record already.
 */
export class RecordCopies {
  readonly #store: GuardedStore;
  readonly #key: string;

  constructor(store: GuardedStore, key: string) {
    this.#store = store;
    this.#key = key;
  }

  /** Which there are now: servers come and go. */
  numbers(): readonly number[] {
    return copiesIn(this.#store.inner, this.#question());
  }

  async read(copy: number): Promise<CopyAnswer> {
    const reply = await this.#store.execute({ ...this.#question(), copy });
    if (reply.kind !== 'hit' && reply.kind !== 'miss')
      return { copy, found: 'failed', content: undefined, reply };
    const content = reply.kind === 'hit' ? decodeRecord(reply.value) : undefined;
    return { copy, found: content === undefined ? 'absent' : 'record', content, reply };
  }

  /** Writes over what a copy answered: by its CAS where there is one, so that of two writers one repeats. */
  write({ copy, reply }: CopyAnswer, content: RecordContent): Promise<Reply> {
    const cas = reply.kind === 'hit' || reply.kind === 'miss' ? reply.cas : '';
    const operation: SetOperation = {
      kind: 'set',
      key: this.#key,
      copy,
      mode: reply.kind === 'hit' || cas !== '' ? 'set' : 'add',
      value: encodeRecord(content),
      flags: 0,
      life,
      deadline: this.#store.deadline(),
      ...(cas === '' ? undefined : { cas }),
    };
    return this.#store.execute(operation);
  }

  /**
   * Writes until the copy has all that is known. `learn` is told what it has, and answers what is known with it. False: it failed,
   * or others were faster each time.
   */
  async bring(
    answer: CopyAnswer,
    learn: (found: RecordContent | undefined) => RecordContent,
  ): Promise<boolean> {
    let last = answer;
    for (let attempt = 0; attempt < attempts && last.found !== 'failed'; attempt++) {
      const known = learn(last.content);
      if (last.content !== undefined && sameContent(last.content, known)) return true;
      const written = await this.write(last, known);
      if (written.kind === 'stored') return true;
      if (written.kind === 'failed') return false;
      last = await this.read(answer.copy);
    }
    return false;
  }

  #question(): GetOperation {
    return { kind: 'get', key: this.#key, touch: life, deadline: this.#store.deadline() };
  }
}
