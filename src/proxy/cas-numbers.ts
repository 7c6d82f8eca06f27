import type { Runtime } from '../core/runtime.ts';

/** Up to so many digits a number is below 2^62 for sure. */
const plainDigits = 18;
const numberBits = 44n;
const partBits = 6n;
const mostMarks = 3;
const largestNumber = 2n ** numberBits;
const largestPart = 2n ** partBits;
const countShift = 62n;
/** What the table gives out has one mark by its first two bits, and a second one where none may be. */
const tableBits = (1n << countShift) | (1n << (numberBits + partBits));

/** How many of the strange ones are remembered. */
export const mostRemembered = 16_384;

/**
 * CAS values of the contract are texts that mean nothing to anybody but the store; clients take 64 bits in decimal.
 *
 * - A number below 10^18, as a single server gives it, is itself.
 * - What routes made of one, `2:77`, is packed into the 64 bits: two for how many marks, up to three of them with 6 bits each,
 *   and 44 bits of number. Nothing is remembered, so every proxy in front of the same composition means the same by it.
 * - Anything else gets a number of its own and is remembered with its key, up to `mostRemembered`; a number that is
 *   forgotten, or comes from another process, is one that no entry has: a conflict, never a match.
 */
export class CasNumbers {
  readonly #numbers = new Map<string, string>();
  readonly #texts = new Map<string, string>();
  /** Random, 18 bits: another process hardly gives out the same, and if so for another key. */
  readonly #epoch: bigint;
  #last = 0n;

  constructor(runtime: Runtime) {
    this.#epoch = BigInt(Math.floor(runtime.random() * 2 ** 18)) << 32n;
  }

  /** What a client is told. */
  number(key: string, cas: string): string {
    if (isPlain(cas)) return cas;
    if (cas === '') return '0';
    return packed(cas) ?? this.#remember(key, cas);
  }

  /** What the store gave, of a number from a client. */
  cas(key: string, number: string): string {
    if (number.length <= plainDigits) return number;
    const value = BigInt(number);
    if (value >> countShift === 0n) return number;
    return unpacked(value) ?? this.#texts.get(`${number} ${key}`) ?? '0';
  }

  #remember(key: string, cas: string): string {
    const name = `${key} ${cas}`;
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    // Two fields are left of the packed form: 6 bits above the second mark, 50 below it.
    const counted = this.#epoch | (this.#last++ & 0xffff_ffffn);
    const high = counted >> 44n;
    const low = counted & (largestNumber - 1n);
    const number = String(tableBits | (high << (numberBits + 2n * partBits)) | low);
    this.#numbers.set(name, number);
    this.#texts.set(`${number} ${key}`, cas);
    if (this.#numbers.size > mostRemembered) this.#forget();
    return number;
  }

  #forget(): void {
    const [oldest] = this.#numbers;
    const [name, number] = oldest!;
    this.#numbers.delete(name);
    this.#texts.delete(`${number} ${name.slice(0, name.indexOf(' '))}`);
  }
}

/** A decimal number without zeros in front, below 10^18. */
function isPlain(cas: string): boolean {
  const { length } = cas;
  if (length === 0 || length > plainDigits) return false;
  for (let index = 0; index < length; index++) {
    const digit = cas.charCodeAt(index);
    if (digit < 48 || digit > 57) return false;
  }
  return length === 1 || cas.charCodeAt(0) !== 48;
}

/** `2:0:77` in 64 bits; undefined for what does not fit. */
function packed(cas: string): string | undefined {
  if (!/^(?:(?:0|[1-9]\d?):){0,3}(?:0|[1-9]\d{0,19})$/.test(cas)) return undefined;
  const parts = cas.split(':').map(BigInt);
  const number = parts.pop()!;
  if (parts.length === 0) return number >> countShift === 0n ? cas : undefined;
  if (number >= largestNumber || parts.some((part) => part >= largestPart)) return undefined;
  let marks = 0n;
  for (let index = 0; index < mostMarks; index++) marks = (marks << partBits) | (parts[index] ?? 0n);
  return String((BigInt(parts.length) << countShift) | (marks << numberBits) | number);
}

function unpacked(value: bigint): string | undefined {
  const count = Number(value >> countShift);
  const parts: bigint[] = [];
  for (let index = 0; index < mostMarks; index++) {
    const part = (value >> (numberBits + BigInt(mostMarks - 1 - index) * partBits)) & (largestPart - 1n);
    if (index < count) parts.push(part);
    else if (part !== 0n) return undefined;
  }
  return [...parts, value & (largestNumber - 1n)].join(':');
}
