-- standby-state: whether this is a standby that has replayed everything up to the position $1 of primary-position.sql, and of which server and
-- timeline. The timeline is null if the role may not read it (pg_read_all_stats), or nothing is being received.
select pg_catalog.pg_is_in_recovery() as is_standby,
       coalesce(pg_catalog.pg_last_wal_replay_lsn() >= $1::pg_catalog.pg_lsn, false) as has_replayed,
       (select pg_catalog.lpad(pg_catalog.upper(pg_catalog.to_hex(r.received_tli)), 8, '0') from pg_catalog.pg_stat_wal_receiver as r) as timeline,
       (select s.system_identifier::pg_catalog.text from pg_catalog.pg_control_system() as s) as system
