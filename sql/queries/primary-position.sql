-- primary-position: how far a standby has to be to see all that is committed here now, and what tells that it is a standby of this server: its
-- system, and the timeline that it receives. The first two are null on a standby.
select case when pg_catalog.pg_is_in_recovery() then null else pg_catalog.pg_current_wal_insert_lsn()::pg_catalog.text end as position,
       case when pg_catalog.pg_is_in_recovery() then null
            else pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8) end as timeline,
       (select s.system_identifier::pg_catalog.text from pg_catalog.pg_control_system() as s) as system
