import { wrongOption } from '../../core/error.ts';

/** A server that takes part in a pool. */
export interface Member {
  /**
   * What the server is to the placement of keys, not where it is: a server that is replaced keeps the id, and its keys stay where they
   * are. Default: the address.
   */
  readonly id: string;
  /** For those who talk to it: `'10.0.0.1:11211'`. */
  readonly address: string;
  /** Its share of the keys, relative to the others. Default 1. */
  readonly weight: number;
}

/** A member as users write it: the address alone, or with what else is to be said. */
export type Server = string | { readonly address: string; readonly id?: string; readonly weight?: number };

/**
 * Who is in a pool, as far as is known at present. A list that has once known members never gets empty: what cannot be read, or is
 * empty, leaves the members as they were.
 */
export interface ServerList {
  /** For events. */
  readonly name: string;
  /** Empty before the first answer. The same array until something changes. */
  readonly members: readonly Member[];
  /** Calls back after every change, the first answer included, until the function that it answers is called. A list is read only while it is watched. */
  watch(changed: () => void): () => void;
  /** Something tells that the list is out of date: look as soon as possible. */
  look(): void;
}

/** Whether it is a list rather than the members themselves. */
export function isServerList(servers: unknown): servers is ServerList {
  return typeof (servers as Partial<ServerList> | null | undefined)?.watch === 'function';
}

/** The members that somebody has written down. Throws `CISTERN_OPTION` for what is none, none at all, and an id that is there twice. */
export function readMembers(option: string, servers: unknown): readonly Member[] {
  if (!Array.isArray(servers) || servers.length === 0)
    throw wrongOption(option, servers, "an array of at least one server, such as ['10.0.0.1:11211']");
  const members = servers.map((server, index) => readMember(`${option}[${index}]`, server));
  const ids = new Set<string>();
  for (const [index, { id }] of members.entries()) {
    if (ids.has(id)) throw wrongOption(`${option}[${index}]`, id, 'another id than those before it');
    ids.add(id);
  }
  return members;
}

function readMember(option: string, server: unknown): Member {
  if (typeof server === 'string') return { id: readText(option, server), address: server, weight: 1 };
  if (typeof server !== 'object' || server === null)
    throw wrongOption(option, server, 'an address, or { address, id, weight }');
  const { address, id, weight = 1 } = server as Partial<Member>;
  if (typeof weight !== 'number' || !(weight > 0 && weight <= heaviest))
    throw wrongOption(`${option}.weight`, weight, `a number above 0, up to ${heaviest}`);
  const where = readText(`${option}.address`, address);
  return { id: id === undefined ? where : readText(`${option}.id`, id), address: where, weight };
}

const heaviest = 1_000_000;

function readText(option: string, text: unknown): string {
  if (typeof text !== 'string' || !/^[^\p{Cc}]{1,250}$/u.test(text))
    throw wrongOption(option, text, 'a text of 1 to 250 characters, no control characters');
  return text;
}

/** Whether both name the same members in the same order. */
export function sameMembers(one: readonly Member[], other: readonly Member[]): boolean {
  return (
    one.length === other.length &&
    one.every(({ id, address, weight }, index) => {
      const { [index]: twin } = other;
      return id === twin!.id && address === twin!.address && weight === twin!.weight;
    })
  );
}
