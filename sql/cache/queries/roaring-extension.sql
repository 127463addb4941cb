-- roaring-extension: the schema pg_roaringbitmap is in, if it is installed with 64-bit bitmaps (version 1.0).
select n.nspname
  from pg_catalog.pg_extension as x
  join pg_catalog.pg_namespace as n on n.oid = x.extnamespace
 where x.extname = 'roaringbitmap'
   and exists (
         select from pg_catalog.pg_type as t where t.typnamespace = n.oid and t.typname = 'roaringbitmap64'
       )
