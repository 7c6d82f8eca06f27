import type fc from 'fast-check';
import { type Conditions, crowd, few, skew, type Step, times } from './migration-world.ts';
import type { Edit } from './mutant.ts';

const edit = (file: string, text: string, instead: string): Edit => ({ file: `${file}.ts`, text, instead });

/** Where to look for a mistake that shows in few worlds. */
interface Focus extends Partial<Conditions> {
  readonly steps?: fc.Arbitrary<readonly Step[]>;
}

const copying: Focus = { begin: times.populate + 100, steps: crowd, weather: { delay: 24, loss: 0 } };
const apart: Focus = { clocks: [0, 1], unsteady: false, perKey: false };

export const focus: Readonly<Record<string, Focus>> = {
  'marked values are copied': { begin: times.populate, weather: { delay: 12, loss: 0 } },
  'copies are stored by set': copying,
  'both pools are told at once while entries are copied': copying,
  'the new pool is told first while entries are copied': copying,
  'a delete that failed in one pool is not repeated in both': {
    ...copying,
    weather: { delay: 4, loss: 0.3 },
  },
  'entries are copied until the switch, not the skew before': {
    ...apart,
    begin: times.readTo - skew,
    weather: { delay: 40, loss: 0 },
  },
  'the other pool is filled without a right of its own': { begin: times.readTo - 140, steps: crowd },
  'the right in the other pool is taken behind the answer': {
    ...apart,
    begin: times.readTo - skew,
    weather: { delay: 40, loss: 0 },
    steps: crowd,
  },
  'changes reach both pools from the beginning of mirror, not the skew before': {
    ...apart,
    begin: times.mirror - skew,
    steps: few,
  },
};

/** Mistakes that a migration may have, each of which brings back old values. */
export const mutants: Readonly<Record<string, readonly Edit[]>> = {
  'deletes reach the old pool alone': [
    edit(
      'pool-writes',
      `.then((old) => pools.ask(newPool, operation).then((fresh) => this.#bothDone(operation, old, fresh)));`,
      `.then((old) => old);`,
    ),
  ],
  'after the switch deletes reach the new pool alone': [
    edit(
      'pool-writes',
      'removedOld.then((old) => this.#bothDone(operation, old, reply))',
      'pools.branded(newPool, reply)',
    ),
    edit('pool-writes', 'const removedOld = pools.ask(oldPool, operation);', ''),
  ],
  'changes reach both pools from the beginning of mirror, not the skew before': [
    edit('time-table', 'this.bothFrom = this.mirrorFrom - this.skew;', 'this.bothFrom = this.mirrorFrom;'),
  ],
  'both pools are told at once while entries are copied': [
    edit(
      'pool-writes',
      'if (pool === oldPool || isRecord(operation)) return',
      'if (isRecord(operation)) return',
    ),
  ],
  'the new pool is told first while entries are copied': [
    edit('pool-writes', '.ask(oldPool, sooner(', '.ask(newPool, sooner('),
    edit(
      'pool-writes',
      'pools.ask(newPool, operation).then((fresh) => this.#bothDone(operation, old, fresh))',
      'pools.ask(oldPool, operation).then((fresh) => this.#bothDone(operation, fresh, old))',
    ),
  ],
  'entries are copied until the switch, not the skew before': [
    edit(
      'time-table',
      'time < this.readToFrom - this.skew || time < this.switchOf(key) - this.skew',
      'time < this.switchOf(key)',
    ),
  ],
  'marked values are copied': [
    edit(
      'hit-copier',
      "return !reply.marked && reply.claim === 'none' && reply.freshFor > 0;",
      'return true;',
    ),
  ],
  'copies are stored by set': [
    edit(
      'hit-copier',
      'flags, life, cas, deadline: this.#deadline() }',
      'flags, life, deadline: this.#deadline() }',
    ),
  ],
  'copies are stored by add': [
    edit('hit-copier', "kind: 'get', lease: leaseTime, deadline }", "kind: 'get', deadline }"),
    edit(
      'hit-copier',
      "if (right === undefined) return there.kind === 'hit' ? 'present' : 'refused';",
      "if (there.kind === 'hit') return 'present';",
    ),
    edit('hit-copier', 'const right = wonRight(there);', "const right = 'lease';"),
    edit('hit-copier', "mode: 'set', value, flags, life, cas,", "mode: 'add', value, flags, life,"),
  ],
  'the old pool is read before the right is taken': [
    edit(
      'hit-copier',
      'const deadline = this.#deadline();',
      "const deadline = this.#deadline();\nconst here = await pools.ask(oldPool, { ...address, kind: 'get', deadline });",
    ),
    edit(
      'hit-copier',
      "const here = await pools.ask(oldPool, { ...address, kind: 'get', deadline: this.#deadline() });",
      '',
    ),
  ],
  'the other pool is filled without a right of its own': [
    edit(
      'pool-writes',
      'this.#rooms.pools.ask(otherThan(pool), { ...operation, cas })',
      'this.#rooms.pools.ask(otherThan(pool), (({ cas: _, ...rest }) => rest)(operation))',
    ),
  ],
  'CAS values cross over': [
    edit(
      'pool-writes',
      'this.#rooms.pools.ask(otherThan(pool), { ...operation, cas })',
      'this.#rooms.pools.ask(otherThan(pool), { ...operation, cas: this.#rooms.pools.bare(operation.cas!) })',
    ),
  ],
  'the right in the other pool is taken behind the answer': [
    edit(
      'pool-reads',
      'return pools.ask(otherThan(pool), { ...operation, deadline: now + wait }).then((twin) => {',
      'void pools.ask(otherThan(pool), { ...operation, deadline: now + wait }).then((twin) => {',
    ),
    edit(
      'pool-reads',
      "cas: cas === '' ? undefined : cas, right });\n      return answer;\n    });",
      "cas: cas === '' ? undefined : cas, right });\n    });\n    return Promise.resolve(answer);",
    ),
  ],
  'what the other pool holds is left there when there is no right to fill it': [
    edit(
      'pool-writes',
      '? this.#removeOther(operation, answer, pool)\n          : this',
      '? answer\n          : this',
    ),
  ],
  'a fill that comes after the switch is stored in the new pool': [
    edit(
      'pool-writes',
      'counts.lateFills++;',
      'counts.lateFills++;\nif (counts.lateFills > 0) return { own: undefined, twin: undefined };',
    ),
    edit(
      'pool-writes',
      'return cas === operation.cas || cas === undefined ? operation : { ...operation, cas };',
      'const { cas: _, ...rest } = operation;\nreturn (cas === undefined ? rest : { ...operation, cas }) as O;',
    ),
  ],
  'a delete that failed in one pool is not repeated in both': [
    edit('unfinished-deletes', 'this.#wait();\n  }\n\n  close()', '}\n\n  close()'),
  ],
  'a delete that failed in one pool is answered as done': [
    edit(
      'pool-writes',
      'return confirmed(table.poolOf(now, operation.key) === newPool ? [newer, older] : [older, newer]);',
      "return older.kind === 'failed' ? newer : older;",
    ),
  ],
};
