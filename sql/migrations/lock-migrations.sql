-- lock-migrations: wait until nobody else migrates the schema with the number $1; until the end of the transaction.
select pg_catalog.pg_advisory_xact_lock($1)
