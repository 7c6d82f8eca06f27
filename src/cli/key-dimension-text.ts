import type { KeyDimension } from '../simulator/key-space.ts';
import { shown } from './trace-file.ts';

/** Which part of a key it is, with an example: `'session' (/item/7?session=‹9f8a›)`. */
export function dimensionText({ parameter, example }: KeyDimension): string {
  const [before, part, after] = example.map(shown) as [string, string, string];
  const what = parameter === undefined ? 'the marked part' : `'${shown(parameter)}'`;
  return `${what} of keys like ${cut(before)}‹${cut(part)}›${cut(after)}`;
}

export function dimensionJson({
  parameter,
  example,
  keys,
  reads,
  values,
  keysWithout,
  explodes,
}: KeyDimension): object {
  return {
    ...(parameter !== undefined && { parameter: shown(parameter) }),
    example: example.map(shown),
    keys,
    reads,
    values,
    keysWithout,
    explodes,
  };
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 28)}...${text.slice(-28)}` : text;
}
