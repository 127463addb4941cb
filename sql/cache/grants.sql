-- grants: what each role needs in the cache, and nothing more. Run it as the owner of the schema, after pcache manage setup.

-- The role of the proxies and observers: it reads and writes entries, and makes no tables.
grant usage on schema "{schema}" to "{control}";
grant select on "{schema}"."{prefix}migration" to "{control}";
grant select, insert, delete on "{schema}"."{prefix}partition_key" to "{control}";
grant select, insert, update, delete on "{schema}"."{prefix}entry" to "{control}";

-- The role that fragments are run and stored by, where it is another one.
grant usage on schema "{schema}" to "{population}";
grant select on "{schema}"."{prefix}migration" to "{population}";
grant select on "{schema}"."{prefix}partition_key" to "{population}";
grant select, insert, update on "{schema}"."{prefix}entry" to "{population}";

-- Clients whose statements read key sets where they are, instead of having them written into the statement.
grant usage on schema "{schema}" to "{client}";
grant select on "{schema}"."{prefix}entry" to "{client}";
