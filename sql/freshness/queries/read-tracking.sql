-- read-tracking: whether the tracking in this database was set up for it, and has not come here with a dump or a template.
select t.tableoid = t.made_as
         and t.made_in = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database()) as is_own
  from "{schema}".tracking as t
