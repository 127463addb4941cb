-- write-statements: the statements $2 by their names $1.
insert into "{schema}"."{prefix}processor_statement" (name, statement)
select r.name, r.statement
  from rows from (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) as r (name, statement)
on conflict (name) do update
   set statement = excluded.statement
