import type { Destination, Operation, Role, Store } from '../core/store.ts';

/** One store on the way of an operation, and where it would go from there. */
export interface Stop {
  readonly store: string;
  readonly role: Role;
  /** As this store would be asked. */
  readonly operation: Operation;
  /** Nothing: it ends here. */
  readonly next: readonly Stop[];
}

/** Routes that are nested deeper than this are not looked through. */
const deepest = 64;

/** Where a store would send an operation. */
export function stopOf(store: Store, operation: Operation, role: Role = 'first', depth = 0): Stop {
  const next = (depth === deepest ? [] : destinationsOf(store, operation)).map((each) =>
    stopOf(each.store, each.operation, each.role, depth + 1),
  );
  const [only] = next;
  // A pool and the route in it have one name, and are one thing to whoever reads this.
  const same = next.length === 1 && only!.store === store.name && only!.operation === operation;
  return { store: store.name, role, operation, next: same ? only!.next : next };
}

function destinationsOf(store: Store, operation: Operation): readonly Destination[] {
  return (
    store.destinations?.(operation) ?? store.parts.map((part) => ({ store: part, role: 'first', operation }))
  );
}

/** Whether the way ends at a store that has parts, none of which would be asked: a list of servers that is not known, say. */
export function endsNowhere(store: Store, operation: Operation): boolean {
  const next = destinationsOf(store, operation);
  if (next.length === 0) return store.destinations !== undefined;
  return next.some((each) => endsNowhere(each.store, each.operation));
}

/** One line for each store, the parts of each below it. */
export function treeLines(root: Stop, asked: Operation): readonly string[] {
  const lines: { readonly text: string; readonly note: string }[] = [];
  const draw = (stop: Stop, before: Operation, first: string, rest: string): void => {
    const marks = [roleWord(stop.role), ...changes(before, stop.operation)].filter((each) => each !== '');
    lines.push({ text: `${first}${stop.store}`, note: marks.join(', ') });
    for (const [index, each] of stop.next.entries()) {
      const last = index === stop.next.length - 1;
      draw(each, stop.operation, `${rest}${last ? '└─ ' : '├─ '}`, `${rest}${last ? '   ' : '│  '}`);
    }
  };
  draw(root, asked, '', '');
  const width = Math.max(...lines.map(({ text }) => text.length));
  return lines.map(({ text, note }) => (note === '' ? text : `${text.padEnd(width)}  ${note}`));
}

function roleWord(role: Role): string {
  return role === 'first' ? '' : role;
}

/** What a store changes in an operation before it hands it on. */
function changes(before: Operation, after: Operation): readonly string[] {
  const told: string[] = [];
  if (after.kind !== before.kind) told.push(`as a ${after.kind}`);
  if (after.key !== before.key) told.push(`key ${after.key}`);
  if (after.copy !== before.copy && after.copy !== undefined) told.push(`copy ${after.copy}`);
  const [life, lifeBefore] = [lifeOf(after), lifeOf(before)];
  if (life !== undefined && life !== lifeBefore) told.push(`life ${life / 1000} s`);
  return told;
}

/** The whole life that an operation gives, in milliseconds; `undefined` where it gives none. */
function lifeOf(operation: Operation): number | undefined {
  const life =
    operation.kind === 'get'
      ? operation.touch
      : operation.kind === 'count'
        ? operation.initial?.life
        : 'life' in operation
          ? operation.life
          : undefined;
  return life === undefined ? undefined : life.freshFor + life.staleFor;
}

/** The same for programs. */
export function stopJson({ store, role, operation, next }: Stop): object {
  const life = lifeOf(operation);
  return {
    store,
    role,
    operation: operation.kind,
    key: operation.key,
    ...(life === undefined ? undefined : { lifeMs: life }),
    ...(operation.copy === undefined ? undefined : { copy: operation.copy }),
    parts: next.map(stopJson),
  };
}
