import { CisternError, wrongOption } from '../../core/error.ts';

/**
 * One step between the bytes of an entry and the bytes on the wire: compression, encryption, authentication. An entry goes
 * through the steps in their order when it is written, and back in the reverse order when it is read; the ids of those
 * that were applied stand in front of it. So a list may grow while old entries live, but its order stays and an id never changes its meaning.
 *
 * `bytes` is lent and must not be changed. What a step answers belongs to the caller, and may be the same bytes or a part of them.
 */
export interface CodecStep {
  /** 1 to 255, unique in the list; on the wire. */
  readonly id: number;
  /** For messages. */
  readonly name: string;
  /** Every entry must have gone through it: one that has not is refused. For what protects, as an attacker could leave it out. Default false. */
  readonly required?: boolean;
  /** `undefined`: not worth it for these bytes; they go on as they are, and the id is not written. A `required` step may not answer it. */
  encode(bytes: Uint8Array, context: { key: string }): Uint8Array | undefined;
  /** Throws for bytes that it did not make, and before it has made more than `maxBytes`: a small entry may claim to unfold to gigabytes. */
  decode(bytes: Uint8Array, context: { key: string; maxBytes: number }): Uint8Array;
}

/** Checks a list of steps where an object is made: `CISTERN_OPTION` for ids out of range or used twice. */
export function checkSteps(option: string, steps: readonly CodecStep[]): readonly CodecStep[] {
  const seen = new Set<number>();
  for (const { id } of steps) {
    if (!Number.isInteger(id) || id < 1 || id > 255 || seen.has(id)) {
      throw wrongOption(option, id, 'a list of steps with ids from 1 to 255, each used once');
    }
    seen.add(id);
  }
  return steps;
}

export interface AppliedSteps {
  readonly bytes: Uint8Array;
  /** In the order in which they were applied. */
  readonly ids: readonly number[];
}

const noIds: readonly number[] = [];

/** `CISTERN_TOO_LARGE` when a step answers more than `maxBytes`; what a step throws goes through. */
export function applySteps(
  bytes: Uint8Array,
  steps: readonly CodecStep[],
  key: string,
  maxBytes: number,
): AppliedSteps {
  if (steps.length === 0) return { bytes, ids: noIds };
  const ids: number[] = [];
  let current = bytes;
  for (const step of steps) {
    const next = step.encode(current, { key });
    if (next === undefined) {
      if (step.required === true) throw new Error(`step '${step.name}' is required, but was not applied`);
      continue;
    }
    if (next.length > maxBytes) throw tooLarge(step, next.length, maxBytes);
    current = next;
    ids.push(step.id);
  }
  return { bytes: current, ids };
}

/**
 * Undoes the steps with these ids, the last one first. Throws an error for ids that are not in the list or not in its order, for
 * a required step that is missing (before any step that comes before it is undone), and for more than `maxBytes` out of a
 * step, whatever the step itself holds back.
 */
export function undoSteps(
  bytes: Uint8Array,
  ids: Uint8Array,
  steps: readonly CodecStep[],
  key: string,
  maxBytes: number,
): Uint8Array {
  let current = bytes;
  let left = ids.length;
  for (let index = steps.length - 1; index >= 0; index--) {
    const step = steps[index]!;
    if (left > 0 && ids[left - 1] === step.id) {
      left--;
      current = step.decode(current, { key, maxBytes });
      if (!(current.length <= maxBytes)) throw tooLarge(step, current.length, maxBytes);
    } else if (step.required === true) {
      throw new Error(`it has not gone through step '${step.name}'`);
    }
  }
  if (left > 0)
    throw new Error(`it has gone through step ${ids[left - 1]}, which is unknown or in another place here`);
  return current;
}

function tooLarge(step: CodecStep, bytes: number, limit: number): CisternError<'CISTERN_TOO_LARGE'> {
  return new CisternError('CISTERN_TOO_LARGE', {
    what: `What step '${step.name}' made of an entry`,
    bytes,
    limit,
    option: 'maxValueBytes',
  });
}
