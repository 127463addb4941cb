-- grants: what the role that evicts needs besides what pcache manage grants prints, where it does not own the tables.
grant select, update on "{schema}"."{prefix}eviction_config" to "{control}";
grant select, insert, delete on "{schema}"."{prefix}eviction_log" to "{control}";
grant select on "{schema}"."{prefix}eviction_migration" to "{control}";
grant execute on function "{schema}"."{prefix}eviction_choice"(text, timestamptz), "{schema}"."{prefix}evict"(text, boolean) to "{control}";
