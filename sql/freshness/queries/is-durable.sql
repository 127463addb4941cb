-- is-durable: whether all that was committed up to the position $1 of stamp-entry.sql would survive a crash of the server.
select pg_catalog.pg_is_in_recovery() or $1::pg_catalog.pg_lsn is null or pg_catalog.pg_current_wal_flush_lsn() >= $1::pg_catalog.pg_lsn as is_durable
