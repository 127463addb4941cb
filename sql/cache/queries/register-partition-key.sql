-- register-partition-key: make $2 a partition key of backend $1 with datatype $3, unless it is one; returns the datatype it has.
with registered as (
  insert into "{schema}"."{prefix}partition_key" (backend, name, datatype)
  values ($1, $2, $3)
  on conflict do nothing
  returning datatype
)
select datatype from registered
union all
select datatype from "{schema}"."{prefix}partition_key" where backend = $1 and name = $2
