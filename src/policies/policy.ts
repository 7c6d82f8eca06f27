/**
 * An eviction policy: which entry goes when room is needed. Pure and synchronous: it sees slots only, small integers that
 * its owner hands out densely (a freed slot is used again before a new one), and reads no clock. Nothing is allocated per
 * request; what grows, grows in chunks. The near tier and the simulator run the same objects.
 *
 * The owner's side of the contract: first `insert` the newcomer, then, while over its budget, `remove` the slot that
 * `victim` names. Weights are the owner's business.
 */
export interface Policy {
  /** Entries inside: inserted and not yet removed. */
  readonly size: number;
  /** The entry in `slot` was asked for. The slot must be resident. */
  hit(slot: number): void;
  /** A new entry has come into `slot`, which must be free. */
  insert(slot: number): void;
  /** The entry in `slot` has left, evicted or for any other reason. The slot must be resident. */
  remove(slot: number): void;
  /**
   * The slot to evict next, or -1 if nothing is resident. It stays resident until `remove`. It may be the newcomer, if
   * the policy does not admit it.
   */
  victim(): number;
}
