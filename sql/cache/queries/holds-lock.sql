-- holds-lock: whether anybody holds the advisory lock $1, a number of 64 bits, in this very database of this very server.
select exists (
         select
           from pg_catalog.pg_locks as l
           join pg_catalog.pg_database as d on d.oid = l.database
          where l.locktype = 'advisory'
            and l.granted
            and l.objsubid = 1
            and l.classid::pg_catalog.int8 = (($1::pg_catalog.int8 >> 32) & 4294967295)
            and l.objid::pg_catalog.int8 = ($1::pg_catalog.int8 & 4294967295)
            and d.datname = pg_catalog.current_database()
       ) as is_held
