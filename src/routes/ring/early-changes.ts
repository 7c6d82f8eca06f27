import type { DeleteOperation, Operation } from '../../core/store.ts';

const most = 1000;

/** Changes that failed because nobody knew where to send them: what they were about must be deleted once that is known. */
export class EarlyChanges {
  readonly #deletions = new Map<string, DeleteOperation>();
  /** False: some were not kept, as there were too many. */
  complete = true;

  failed(operation: Operation): void {
    const { kind, key, routingKey, copy } = operation;
    // A fill by CAS adds nothing that is true, and what was counted or created is simply not there.
    const changes = kind === 'delete' || kind === 'touch' || (kind === 'set' && operation.cas === undefined);
    if (!changes || typeof key !== 'string') return;
    const name = `${copy ?? 0} ${routingKey ?? ''} ${key}`;
    if (this.#deletions.size >= most && !this.#deletions.has(name)) this.complete = false;
    else
      this.#deletions.set(name, {
        kind: 'delete',
        key,
        deadline: Number.POSITIVE_INFINITY,
        ...(routingKey === undefined ? undefined : { routingKey }),
        ...(copy === undefined ? undefined : { copy }),
      });
  }

  /** The deletions that make up for them, and forgets them. */
  take(): readonly DeleteOperation[] {
    const deletions = [...this.#deletions.values()];
    this.#deletions.clear();
    return deletions;
  }
}
