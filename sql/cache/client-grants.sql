-- client-grants: what a client needs whose statements read key sets where they are, instead of having them written into the statement.

-- Keys, and what tells one version of an entry from another. Not the fragments and errors: they hold constants of others' statements.
grant usage on schema "{schema}" to "{client}";
grant select (backend, partition_key, hash, status, snapshot, created_at, integers, floats, texts, timestamps, bits, roaring)
   on "{schema}"."{prefix}entry" to "{client}";
