import type { AnalysedBlock } from '../../query/analysis/analyse';
import type { Conjunct } from '../../query/analysis/conjuncts';
import type { KeyClass } from '../../query/analysis/key-classes';
import { fragmentTable } from '../../query/fragment/canonical-fragment';
import type { Fragment, FragmentTable } from '../../query/fragment/fragment';
import type { PartitionKey } from '../../query/partition-key';

/** What entries are looked for: tables that one key ties together, and conditions that hold for every row of them. */
export interface MatchSubject {
  /** `index`: by which conjuncts name it. */
  readonly tables: readonly { readonly index: number; readonly table: FragmentTable }[];
  readonly conjuncts: readonly Conjunct[];
  readonly partitionKey: Pick<PartitionKey, 'name' | 'datatype'>;
}

/** A block of a statement, by one of its classes of key columns. */
export function subjectOfBlock(
  { conjuncts }: AnalysedBlock,
  { members, partitionKey }: KeyClass,
): MatchSubject {
  const tables = members.map((member) => ({ index: member.table.index, table: fragmentTable(member) }));
  return { tables, conjuncts, partitionKey };
}

/** A fragment, which is a block by itself: entries that match it hold for every row of it. */
export function subjectOfFragment({ tables, conjuncts, partitionKey, datatype }: Fragment): MatchSubject {
  return {
    tables: tables.map((table, index) => ({ index, table })),
    conjuncts: conjuncts.map(({ template, slots, reads }): Conjunct => {
      const own = { template, tables: slots, isSymmetric: isSymmetric(template, slots, tables) };
      return reads === undefined ? own : { ...own, reads };
    }),
    partitionKey: { name: partitionKey, datatype },
  };
}

/** As conjuncts.ts tells it of a block's. */
function isSymmetric(template: string, slots: readonly number[], tables: readonly FragmentTable[]): boolean {
  const [left, right] = slots.map((slot) => tables[slot]);
  return (
    slots.length === 2 &&
    left?.schema === right?.schema &&
    left?.name === right?.name &&
    /^\(\{0\}\.("(?:[^"{}]|"")*") (?:=|<>) \{1\}\.\1\)$/.test(template)
  );
}
