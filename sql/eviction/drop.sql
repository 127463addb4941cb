-- drop: what setting eviction up has made.
drop function if exists "{schema}"."{prefix}evict"(text, boolean);
drop function if exists "{schema}"."{prefix}eviction_choice"(text, timestamptz);
drop table if exists "{schema}"."{prefix}eviction_config", "{schema}"."{prefix}eviction_log", "{schema}"."{prefix}eviction_migration";
