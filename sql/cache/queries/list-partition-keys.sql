-- list-partition-keys: those of backend $1, with their datatypes.
select name, datatype from "{schema}"."{prefix}partition_key" where backend = $1 order by name
