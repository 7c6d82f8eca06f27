import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Migrating, MigratingOptions } from '../../src/routes/migrating/migrating.ts';

const root = join(import.meta.dirname, '../..');
const source = join(root, 'src/routes/migrating');
/** As deep as the sources are, so that their imports of other folders need no more than another beginning. */
const folder = join(root, `.cistern/mutants-${process.pid}`);

/** A change of one file that makes the migration wrong: a text that stands there once, and what to put in its place. */
export interface Edit {
  readonly file: string;
  readonly text: string;
  readonly instead: string;
}

/** `migrating` with changes made to a copy of its sources. */
export async function mutant(
  name: string,
  edits: readonly Edit[],
): Promise<(options: MigratingOptions) => Migrating> {
  const target = join(folder, name.replace(/[^a-z]+/gi, '-'));
  mkdirSync(target, { recursive: true });
  for (const file of readdirSync(source)) {
    if (file.endsWith('.test.ts')) continue;
    let text = readFileSync(join(source, file), 'utf8');
    for (const edit of edits.filter((each) => each.file === file)) {
      if (text.split(edit.text).length !== 2)
        throw new Error(
          `'${edit.text}' does not stand in ${file} exactly once: the mutant '${name}' is out of date`,
        );
      text = text.replace(edit.text, () => edit.instead);
    }
    text = text
      .replaceAll("from '../../", "from '../../../src/")
      .replaceAll(/from '\.\.\/(?=[a-z])/g, "from '../../../src/routes/");
    writeFileSync(join(target, file), text);
  }
  const made = (await import(join(target, 'migrating.ts'))) as {
    readonly migrating: (options: MigratingOptions) => Migrating;
  };
  return made.migrating;
}

export function removeMutants(): void {
  rmSync(folder, { recursive: true, force: true });
}
