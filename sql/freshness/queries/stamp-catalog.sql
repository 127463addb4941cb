-- stamp-catalog: in the transaction that reads the catalog, what tells whether it has changed since (catalog-changed.sql).
select "{schema}".safe_snapshot()::pg_catalog.text as snapshot,
       "{schema}".server() as server,
       (select t.epoch::pg_catalog.text from "{schema}".tracking as t) as epoch
