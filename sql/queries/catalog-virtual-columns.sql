-- catalog-virtual-columns: names of columns that are computed when they are read (PostgreSQL 18; none before it).
select distinct a.attname
  from pg_catalog.pg_attribute as a
 where a.attgenerated = 'v'
   and not a.attisdropped
