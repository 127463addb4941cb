-- lock-tracking: wait until nobody else changes what is tracked in the schema $1; until the end of the transaction.
select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('pcache tracking ' || $1, 0))
