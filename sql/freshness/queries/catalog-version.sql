-- catalog-version: the version of the catalog, to be asked for before the snapshot is taken in which the catalog is read.
select v.last_value::pg_catalog.text as version from "{schema}".catalog_version as v
