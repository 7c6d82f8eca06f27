/** Columns of text, the first left-aligned, the others right-aligned; a rule after the heading lines. */
export function textTable(
  headings: readonly (readonly string[])[],
  rows: readonly (readonly string[])[],
): string {
  const lines = [...headings, ...rows];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const laid = lines.map((line) =>
    widths
      .map((width, column) =>
        column === 0 ? (line[column] ?? '').padEnd(width) : (line[column] ?? '').padStart(width),
      )
      .join('  ')
      .trimEnd(),
  );
  const rule = '─'.repeat(widths.reduce((sum, width) => sum + width + 2, -2));
  return [...laid.slice(0, headings.length), rule, ...laid.slice(headings.length)].join('\n');
}
