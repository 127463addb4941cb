-- process-one: run one fragment in this session.
call "{schema}"."{prefix}process"(-pg_catalog.pg_backend_pid(), 0, 1)
