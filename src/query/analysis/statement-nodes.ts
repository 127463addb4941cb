import { walk } from '../ast/walk';
import type { QueryRoot } from './blocks';
import type { Restrictable } from './restrictable';

/** A node of a statement: its fields, and the name of its kind. */
export interface StatementNode {
  readonly kind: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Every node of a statement, or of a query of one, parents first; and which kinds there are. */
export interface StatementNodes {
  readonly all: readonly StatementNode[];
  readonly kinds: ReadonlySet<string>;
}

/** Walked once, for several questions are asked about all nodes of a statement, and walking takes longer than most of the answers. */
export function nodesOf(root: Restrictable | QueryRoot): StatementNodes {
  const known = nodesIn.get(root);
  if (known !== undefined) return known;
  const all: StatementNode[] = [];
  const kinds = new Set<string>();
  walk('evaluated' in root ? root.evaluated : root, (kind, fields) => {
    all.push({ kind, fields });
    kinds.add(kind);
    return true;
  });
  const nodes = { all, kinds };
  nodesIn.set(root, nodes);
  return nodes;
}

const nodesIn = new WeakMap<Restrictable | QueryRoot, StatementNodes>();
