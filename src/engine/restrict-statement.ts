import type { Catalog } from '../query/catalog/catalog';
import type { KeyTable } from '../query/rewrite/key-table';
import { checking } from './decision';
import type { Refused } from './given-keys';
import type { Reading } from './reading';
import { type AnyRestriction, formsOf, rewrite } from './rewriter';
import type { ShapeChecker } from './shape-checker';

export interface RestrictedText {
  readonly text: string;
  readonly tables: readonly KeyTable[];
}

/** Restricts classes of a statement; the text is parsed again and compared, and the server asked about it, as any other. */
export async function restrictStatement(
  reading: Reading,
  restrictions: readonly AnyRestriction[],
  catalog: Catalog,
  shapes: ShapeChecker,
): Promise<RestrictedText | Refused> {
  const [form] = formsOf(restrictions);
  const rewritten = rewrite(reading.statement, restrictions, form, catalog);
  if (rewritten === undefined) return { refused: 'splice check' };
  for (const { text, parameterOids, context } of checking(reading, rewritten, catalog)) {
    const shape = await shapes.check(text, parameterOids, context, catalog);
    if (!shape.isValid) return { refused: 'shape check' };
  }
  return { text: rewritten.text, tables: rewritten.tables };
}
