import type { Policy, PolicyOptions } from '../../src/policies/policy.ts';
import type { Trace } from './trace-file.ts';

/**
 * Replays a trace against a policy, each entry weighing 1: every miss inserts, nothing is left out for warming up. Returns
 * the number of hits.
 */
export function replay(
  trace: Trace,
  capacity: number,
  seed: number,
  makePolicy: (options: PolicyOptions) => Policy,
): number {
  const { requests } = trace;
  const slots = new Int32Array(trace.keys).fill(-1);
  const keys = new Int32Array(Math.min(capacity, trace.keys));
  const policy = makePolicy({ capacity, seed, hashOf: (slot) => mixed(keys[slot]! ^ seed) });
  let used = 0;
  let hits = 0;
  for (let at = 0; at < requests.length; at++) {
    const key = requests[at]!;
    let slot = slots[key]!;
    if (slot >= 0) {
      hits++;
      policy.hit(slot);
      continue;
    }
    policy.miss(mixed(key ^ seed));
    if (used < capacity) slot = used++;
    else {
      slot = policy.victim();
      policy.remove(slot);
      slots[keys[slot]!] = -1;
    }
    keys[slot] = key;
    slots[key] = slot;
    policy.insert(slot);
  }
  if (policy.size !== used) throw new Error(`${policy.size} entries inside instead of ${used}`);
  return hits;
}

/** The last steps of MurmurHash3: mixes 32 bits so that every one depends on all, and no two numbers become the same. */
function mixed(bits: number): number {
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
