-- write-keys: the partition keys are $1, of datatypes $2, with statements $3.
with gone as (
  delete from "{schema}"."{prefix}processor_key" as k where k.partition_key <> all ($1::text[])
)
insert into "{schema}"."{prefix}processor_key" (partition_key, datatype, stamp)
select r.name, r.datatype, r.stamp
  from rows from (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[])) as r (name, datatype, stamp)
on conflict (partition_key) do update
   set datatype = excluded.datatype, stamp = excluded.stamp
