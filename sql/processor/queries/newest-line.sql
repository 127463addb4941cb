-- newest-line: the number of the latest line of the log.
select coalesce(pg_catalog.max(l.id), 0) as id from "{schema}"."{prefix}processor_log" as l
