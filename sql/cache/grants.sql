-- grants: what the program's own roles need in the cache, and nothing more. Run it as the owner of the schema, after pcache manage setup.

-- The role of the proxies and observers: it reads and writes entries, and makes no tables.
grant usage on schema "{schema}" to "{control}";
grant select on "{schema}"."{prefix}migration" to "{control}";
grant select, insert, delete on "{schema}"."{prefix}partition_key" to "{control}";
grant select, insert, update, delete on "{schema}"."{prefix}entry" to "{control}";
grant execute on function "{schema}"."{prefix}evaluate"(text, anyelement), "{schema}"."{prefix}bits_of"(bigint[]) to "{control}";

-- The role that fragments are run and stored by, where it is another one: it removes nothing. To replace an entry takes SELECT on all that is
-- put in its place (PostgreSQL's manual, INSERT, ON CONFLICT).
grant usage on schema "{schema}" to "{population}";
grant select on "{schema}"."{prefix}migration" to "{population}";
grant select on "{schema}"."{prefix}partition_key" to "{population}";
grant select, insert, update on "{schema}"."{prefix}entry" to "{population}";
grant execute on function "{schema}"."{prefix}evaluate"(text, anyelement), "{schema}"."{prefix}bits_of"(bigint[]) to "{population}";
