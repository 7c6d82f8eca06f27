import { wrongOption } from '../../core/error.ts';
import {
  equalWeights,
  inTurn,
  type PlacedServer,
  type Placement,
  type PlacementKind,
  salted,
} from './placement.ts';
import { byteText } from './byte-text.ts';

/**
 * CRC-32 of the key modulo the number of servers, in the order of the list: the `NonConsistent` ring of meta-memcache-py. Adding or
 * removing one of n servers moves all keys but one in n. No weights.
 */
export const modulo: PlacementKind = {
  name: 'modulo',
  make: (servers, salt, absent = []) => new Modulo([...servers, ...absent], salt),
  moves: () => 'any',
};

class Modulo implements Placement {
  readonly #servers: number;
  readonly #salt: string;

  constructor(servers: readonly PlacedServer[], salt: string) {
    if (!equalWeights(servers))
      throw wrongOption(
        'weight',
        servers.map(({ weight }) => weight),
        "the same for all servers with 'modulo'",
      );
    this.#servers = servers.length;
    this.#salt = salt;
  }

  place(key: string): number {
    return crc32OfText(salted(key, this.#salt)) % this.#servers;
  }

  order(key: string, count: number): readonly number[] {
    return inTurn(this.place(key), this.#servers, count);
  }
}

const remainders = Int32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = ((remainder & 1) * 0xedb88320) ^ (remainder >>> 1);
  return remainder;
});

/** CRC-32 as of zlib, of the UTF-8 bytes. The platform's own takes longer to be called than this for a short key. */
function crc32OfText(text: string): number {
  let remainder = -1;
  let seen = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    seen |= unit;
    remainder = remainders[(remainder ^ unit) & 0xff]! ^ (remainder >>> 8);
  }
  return seen > 0x7f ? crc32OfBytes(byteText(text)) : ~remainder >>> 0;
}

function crc32OfBytes(bytes: string): number {
  let remainder = -1;
  for (let at = 0; at < bytes.length; at++)
    remainder = remainders[(remainder ^ bytes.charCodeAt(at)) & 0xff]! ^ (remainder >>> 8);
  return ~remainder >>> 0;
}
