-- apply-connection-settings: make the settings $1 have the values $2 for as long as the connection lasts. Those that this version of the
-- server does not know are left out.
select s.name, pg_catalog.set_config(s.name, s.value, false) as value
  from rows from (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) as s (name, value)
 where exists (select from pg_catalog.pg_settings as k where pg_catalog.lower(k.name) operator(pg_catalog.=) pg_catalog.lower(s.name))
