/**
 * An eviction policy: which entry goes when room is needed. Pure and synchronous: it sees slots only, small integers that
 * its owner hands out densely (a freed slot is used again before a new one), and reads no clock. Nothing is allocated per
 * request; what grows, grows in chunks. The near tier and the simulator run the same objects.
 *
 * The owner's side of the contract, for a key that is not resident: `miss` with its hash; then, while there is no room for it,
 * `victim` and at once `remove` of the slot it named; then `insert`. `hit` for one that is. Entries may also leave unasked
 * (`remove`), and room may be made without a newcomer (`victim` without `miss`, when the owner's capacity shrinks).
 */
export interface Policy {
  /** Entries inside: inserted and not yet removed. */
  readonly size: number;
  /** Their weight together. */
  readonly weight: number;
  /** The entry in `slot` was asked for. The slot must be resident. */
  hit(slot: number): void;
  /** A key with this hash (32 bits, signed) was asked for, is not resident, and will be inserted next. */
  miss(hash: number): void;
  /** A new entry has come into `slot`, which must be free. Its hash and weight can be asked for from now on until it is removed. */
  insert(slot: number): void;
  /** The entry in `slot` has left, evicted or for any other reason. The slot must be resident; hash and weight can still be asked for. */
  remove(slot: number): void;
  /** The value in `slot` was replaced by one that weighs `difference` more. */
  reweigh(slot: number, difference: number): void;
  /** The slot to evict next, or -1 if nothing is resident. It must be removed before anything else is asked or told. */
  victim(): number;
  /** The capacity is another one from now on. What is too much is removed by the owner, bit by bit. */
  resize(capacity: number): void;
}

/** What every policy is made with. */
export interface PolicyOptions {
  /** The most weight that its owner keeps: entries where each weighs 1, else bytes. At least 1. */
  readonly capacity: number;
  /** 32 bits from which all its chance comes: the same seed, the same answers. */
  readonly seed: number;
  /** The hash of the key in a resident slot, 32 bits, signed. Keys that are equal have equal hashes. */
  readonly hashOf: (slot: number) => number;
  /** The weight of a resident slot, a positive integer. Default: 1 each. */
  readonly weightOf?: ((slot: number) => number) | undefined;
}
