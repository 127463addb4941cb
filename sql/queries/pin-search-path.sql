-- pin-search-path: names without a schema mean PostgreSQL's own from here on, whatever the role's or database's settings are.
-- pg_temp stands last; left out it would come first.
select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false)
