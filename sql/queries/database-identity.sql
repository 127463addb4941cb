-- database-identity: what tells this database from every other, wherever it is reached. Rejected with 42501 where the role may
-- not call pg_control_system().
select s.system_identifier::pg_catalog.text as system_identifier, d.oid::pg_catalog.text as database_oid
  from pg_catalog.pg_control_system() as s, pg_catalog.pg_database as d
 where d.datname operator(pg_catalog.=) pg_catalog.current_database()
