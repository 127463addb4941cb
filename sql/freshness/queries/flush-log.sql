-- flush-log: has the server write its log out, by a commit that nobody else notices; without it an idle one takes five seconds. Not for standbys to wait for.
select pg_catalog.pg_logical_emit_message(true, 'pcache', '')::pg_catalog.text as position,
       pg_catalog.set_config('synchronous_commit', 'local', true) as synchronous_commit
