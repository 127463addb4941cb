-- grants: what the role of proxies and observers needs in the queue, and nothing more. Run it as the owner of the schema, after pcache manage setup.
grant usage on schema "{schema}" to "{control}";
grant select on "{schema}"."{prefix}queue_migration" to "{control}";
grant select, insert, update, delete on "{schema}"."{prefix}original_query_queue" to "{control}";
grant select, insert, update, delete on "{schema}"."{prefix}query_fragment_queue" to "{control}";
grant select, insert, update, delete on "{schema}"."{prefix}original_query_queue_dead" to "{control}";
grant select, insert, update, delete on "{schema}"."{prefix}query_fragment_queue_dead" to "{control}";
