/** The programs that a documentation page holds: its TypeScript blocks, ready to be checked and run. */
export interface Program {
  /** Page and line of the first block: how a failure names it. */
  readonly title: string;
  readonly page: string;
  /** Each line of code stands at its line number of the page, so a message about the one is one about the other. */
  readonly source: string;
  /** What the program says it prints: the comments at the end of its `console.log` lines, in order. */
  readonly prints: readonly string[];
}

/** A command line of a `sh` block. */
export interface Command {
  readonly title: string;
  readonly text: string;
}

const fence = /^```(\w*)/;
const hidden = /^<!-- (setup: (?<code>.+)|continues) -->$/;

/**
 * Reads a page. Every `ts` block is a program of its own, unless a hidden line before it says more:
 * `<!-- setup: import { db } from './shop-db.ts'; -->` is code that the reader does not see (paths are relative to
 * `test/docs/`), and `<!-- continues -->` joins the block to the program before it.
 */
export function readPage(page: string, markdown: string): { programs: Program[]; commands: Command[] } {
  const lines = markdown.split('\n');
  const drafts: { first: number; code: Map<number, string> }[] = [];
  const commands: Command[] = [];
  let setups = new Map<number, string>();
  let continues = false;
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index]!;
    const note = hidden.exec(line);
    if (note !== null) {
      const code = note.groups?.['code'];
      if (code === undefined) continues = true;
      else setups.set(index, code);
      continue;
    }
    const language = fence.exec(line)?.[1];
    if (language === undefined) continue;
    const first = index + 1;
    while (++index < lines.length && !lines[index]!.startsWith('```'));
    const block = lines.slice(first, index);
    if (language === 'sh') {
      block.forEach((text, offset) => commands.push({ title: `${page}:${first + offset + 1}`, text }));
    }
    if (language !== 'ts') continue;
    const previous = continues ? drafts.at(-1) : undefined;
    if (continues && previous === undefined)
      throw new Error(`${page}:${first + 1} continues nothing: it is the first block`);
    const draft = previous ?? { first, code: new Map<number, string>() };
    if (previous === undefined) drafts.push(draft);
    for (const [at, code] of setups) draft.code.set(at, code);
    block.forEach((code, offset) => draft.code.set(first + offset, code));
    setups = new Map();
    continues = false;
  }
  const programs = drafts.map(({ first, code }) => ({
    title: `${page}:${first + 1}`,
    page,
    source: lines.map((_, index) => code.get(index) ?? '').join('\n'),
    prints: [...code.values()].flatMap((text) => /console\.log\(.*\);\s*\/\/ (.+)$/.exec(text)?.[1] ?? []),
  }));
  return { programs, commands };
}

/** Whether `wanted` appears in `lines`, in order, perhaps with others between; else the first one that does not. */
export function firstMissing(wanted: readonly string[], lines: readonly string[]): string | undefined {
  let from = 0;
  for (const text of wanted) {
    const at = lines.indexOf(text, from);
    if (at < 0) return text;
    from = at + 1;
  }
  return undefined;
}
