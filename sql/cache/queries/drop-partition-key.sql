-- drop-partition-key: remove $2 from backend $1 with all its entries; returns how many, or no row if it was not there.
-- The change is told with the payload $4 on the channel $3.
with counted as (
  select pg_catalog.count(*) as entries
    from "{schema}"."{prefix}entry"
   where backend = $1 and partition_key = $2
),
dropped as (
  delete from "{schema}"."{prefix}partition_key" where backend = $1 and name = $2 returning name
)
select counted.entries, pg_catalog.pg_notify($3, $4) from counted, dropped
