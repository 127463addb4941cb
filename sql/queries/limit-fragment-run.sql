-- limit-fragment-run: bounds for the rest of the transaction, and its snapshot.
-- $1 statement_timeout and $2 idle_in_transaction_session_timeout, in milliseconds: the server ends the run by itself if
-- nobody is there any more to do so. A cursor is planned for its first tenth unless told that all of it is wanted.
-- The fragment's text is sent, and its keys are read, as UTF-8, whatever the client it comes from used.
select pg_catalog.set_config('statement_timeout', $1::pg_catalog.int4::pg_catalog.text, true) as statement_timeout,
       pg_catalog.set_config('idle_in_transaction_session_timeout', $2::pg_catalog.int4::pg_catalog.text, true)
         as idle_in_transaction_session_timeout,
       pg_catalog.set_config('cursor_tuple_fraction', '1', true) as cursor_tuple_fraction,
       pg_catalog.set_config('client_encoding', 'UTF8', true) as client_encoding,
       pg_catalog.pg_current_snapshot()::pg_catalog.text as snapshot
