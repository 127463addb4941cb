-- use-schema: unqualified names of a migration are in schema $1, until the end of the transaction.
select pg_catalog.set_config('search_path', pg_catalog.quote_ident($1), true)
