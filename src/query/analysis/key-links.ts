import type { SelectStmt } from '@pgsql/types';
import type { BlockReader } from './block-reader';
import type { KeyClass } from './key-classes';

/** Columns of one block that are equal in each of its rows, and hold a partition key: of tables, or handed on to it. */
interface KeyGroup {
  readonly partitionKey: string;
  /** The class of those that are tables' own; undefined if there are none. */
  readonly keyClass: KeyClass | undefined;
  /** Groups whose keys are a superset of those that this one has in rows that matter. */
  readonly bounds: Set<KeyGroup>;
}

/**
 * How keys of one block bound those of another, through derived tables and CTEs that hand a key column on:
 *
 *   WITH x AS (SELECT region_id, sum(a) FROM place WHERE … GROUP BY region_id)
 *   SELECT … FROM x JOIN town t ON t.region_id = x.region_id WHERE …
 *
 * Outward: a row of the outer block has an x.region_id, and with it a t.region_id, that some row of the inner block has. So what
 * is known of the inner block's keys restricts t.
 *
 * Inward: a row of x whose key no t has joins nothing. If without the inner rows of such a key x lacks the rows of that key, and
 * only these (ColumnOrigin.isInward), and nobody else reads x, the result is the same. So what is known of the outer block's
 * keys restricts place. Counter-example for the last condition, a CTE that is used twice:
 *
 *   WITH x AS (…) SELECT … FROM x JOIN town t USING (region_id) WHERE t.name = 'Rome' AND x.a > (SELECT avg(a) FROM x)
 *
 * Both at once, and over several levels, are sound too: the key sets are computed from the tables themselves, not from what
 * restricted blocks return, and each restriction by itself changes nothing.
 *
 * On the null-extended side of an outer join nothing is equated (rule S3), so nothing passes there.
 */
export class KeyLinks {
  /** By block, then by partition key and the name of the class in the block. */
  readonly #groups = new Map<SelectStmt, ReadonlyMap<string, KeyGroup>>();

  constructor(private readonly reader: BlockReader) {}

  /** Has the links of a block, and of all inside it, taken into account. */
  add(select: SelectStmt): void {
    this.#groupsOf(select);
  }

  /** The classes, of other blocks, whose keys bound those of a class; those of all blocks have to be added before. */
  boundsOf(select: SelectStmt, keyClass: KeyClass): readonly KeyClass[] {
    const group = [...this.#groupsOf(select).values()].find((each) => each.keyClass === keyClass);
    if (group === undefined || group.bounds.size === 0) return [];
    const reached = new Set([group]);
    for (const each of reached) for (const bound of each.bounds) reached.add(bound);
    return [...reached].flatMap((each) =>
      each === group || each.keyClass === undefined ? [] : [each.keyClass],
    );
  }

  #groupsOf(select: SelectStmt): ReadonlyMap<string, KeyGroup> {
    const known = this.#groups.get(select);
    if (known !== undefined) return known;
    const groups = new Map<string, KeyGroup>();
    this.#groups.set(select, groups);
    const reading = this.reader.read(select);
    if ('refused' in reading) return groups;
    const { equalities, classes, from } = reading;
    const groupOf = (partitionKey: string, root: string, keyClass?: KeyClass): KeyGroup => {
      const name = `${partitionKey}\0${root}`;
      const group = groups.get(name) ?? { partitionKey, keyClass, bounds: new Set() };
      groups.set(name, group);
      return group;
    };
    for (const keyClass of classes) {
      const [member] = keyClass.members;
      if (member !== undefined)
        groupOf(keyClass.partitionKey.name, equalities.rootOf(member.table, member.column), keyClass);
    }
    for (const table of from.tables) {
      if (table.derived === undefined || table.isNullable || table.isHidden) continue;
      for (const [column, origins] of table.derived.origins) {
        const root = equalities.rootOf(table, column);
        for (const origin of origins) {
          for (const inner of this.#groupsWith(origin.select, origin.table.index, origin.column)) {
            const outer = groupOf(inner.partitionKey, root);
            if (origin.isOutward) outer.bounds.add(inner);
            if (origin.isInward && table.derived.isUsedOnce) inner.bounds.add(outer);
          }
        }
      }
    }
    return groups;
  }

  /** The groups of a block that a column is in. */
  #groupsWith(select: SelectStmt, table: number, column: string): readonly KeyGroup[] {
    const groups = this.#groupsOf(select);
    const reading = this.reader.read(select);
    if (groups.size === 0 || 'refused' in reading) return [];
    const root = reading.equalities.rootOf({ index: table }, column);
    return [...groups].flatMap(([name, group]) => (name === `${group.partitionKey}\0${root}` ? [group] : []));
  }
}
