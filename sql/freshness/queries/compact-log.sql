-- compact-log: remove changes of transactions before $1, at most $2 of each log; how many were removed.
select "{schema}".compact($1, $2)::pg_catalog.text as removed
