import type { Catalog } from '../query/catalog/catalog';
import type { SessionContext } from './session-context';

/**
 * Which reading of the catalog a session's context is as old as. What others do may change it without a word to the session:
 *
 *   SET search_path = app, public               -- no schema app yet: current_schemas() is {public}
 *   CREATE SCHEMA app; CREATE TABLE app.place   -- by somebody else
 *
 * Such a statement is understood as if it read public.place, of which app.place need not have the key: the restriction would be an error.
 */
export class ContextAge {
  readonly #catalogs = new WeakMap<SessionContext, Catalog | undefined>();

  /** @param catalog the one that is current; undefined: it is being read, and the context may be from before */
  wasRead(context: SessionContext, catalog: Catalog | undefined): void {
    this.#catalogs.set(context, catalog);
  }

  /** Whether the catalog has been read since. Of a context that was made up, nothing can have changed. */
  isOlder(context: SessionContext, catalog: Catalog): boolean {
    return this.#catalogs.has(context) && this.#catalogs.get(context) !== catalog;
  }
}
