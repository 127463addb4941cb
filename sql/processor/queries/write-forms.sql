-- write-forms: keys of datatypes $1 and types $2 are computed by $3, the fragment, and $4, and written by $5.
insert into "{schema}"."{prefix}processor_form" (datatype, type, before, after, populate)
select r.datatype, r.type, r.before, r.after, r.populate
  from rows from (
         pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::oid[]), pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[]), pg_catalog.unnest($5::text[])
       ) as r (datatype, type, before, after, populate)
on conflict (datatype, type) do update
   set before = excluded.before, after = excluded.after, populate = excluded.populate
