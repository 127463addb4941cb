-- read-raw-settings: the settings named $1 without their units, as pg_settings counts them.
-- Qualified throughout, since it runs under a fragment's search_path.
select n.name, p.setting
  from pg_catalog.unnest($1::pg_catalog.text[]) as n (name)
  join pg_catalog.pg_settings as p
    on pg_catalog.lower(p.name) operator(pg_catalog.=) pg_catalog.lower(n.name)
