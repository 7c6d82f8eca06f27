import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { traceFolder } from './trace-file.ts';

/** Hit ratios that other simulators found on the traces, by trace, size in entries, and the name of the policy there. */
export type ReferenceRatios = ReadonlyMap<string, ReadonlyMap<number, ReadonlyMap<string, number>>>;

/** Reads `trace,size,policy,hit_ratio` lines below a heading; nothing if the file is not there. */
export function readReferenceRatios(folder: string = traceFolder): ReferenceRatios {
  const path = join(folder, 'reference.csv');
  const ratios = new Map<string, Map<number, Map<string, number>>>();
  if (!existsSync(path)) return ratios;
  for (const line of readFileSync(path, 'utf8').trimEnd().split('\n').slice(1)) {
    const [trace, size, policy, ratio] = line.split(',');
    if (trace === undefined || size === undefined || policy === undefined || ratio === undefined)
      throw new SyntaxError(`${path}: "${line}" is not trace,size,policy,hit_ratio`);
    let sizes = ratios.get(trace);
    if (sizes === undefined) ratios.set(trace, (sizes = new Map()));
    let policies = sizes.get(Number(size));
    if (policies === undefined) sizes.set(Number(size), (policies = new Map()));
    policies.set(policy, Number(ratio));
  }
  return new Map(
    [...ratios].map(([trace, sizes]) => [trace, new Map([...sizes].toSorted(([a], [b]) => a - b))]),
  );
}
