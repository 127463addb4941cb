-- What people do in psql. Its whole output, notices and errors included, is compared: \conninfo is left out, it tells the port.
\set VERBOSITY verbose
\set SHOW_CONTEXT always
\pset null '<null>'
\set romans 'select id, region_id, area, founded, seen, tags, info, sign from place where name = \'Rome\' order by id'

-- statements with something to restrict, in psql's ways of sending them
:romans;
:romans \gx
:romans \gdesc
select count(*) as romans, min(id) as first from place where name = 'Rome' \gset
\echo :romans :first
select id from place where name = 'Rome' and id = :first;
select p.id, v.rating, v.at from place p join visit v using (region_id) where v.place_id = p.id and p.name = 'Rome' order by 1; select 2 as second; select id from place where name = 'Ü€😀' order by id;
select format('select %s + count(*) from place where name = %L', i, 'Rome') from generate_series(1, 3) i \gexec
select name, i, id % 10 from place, generate_series(1, 2) i where name = 'Rome' and id < 50000 order by id \crosstabview
\set romans 'select id, name from place where name = \'Rome\' order by id'
\set FETCH_COUNT 4
:romans;
\unset FETCH_COUNT
\o /dev/null
:romans;
\o

-- errors: LINE, caret, hint, context
select nome from place where name = 'Rome';
select id
  from place
 where name = 'Rome'
   and nonsense(id) > 3;
select 'Ü€😀', id from place wher name = 'Rome';
select id / (id - id) from place where name = 'Rome';
\errverbose
select id from place where name = 'Rome' and id = 'x';
select 'Ü€😀', id
  from place where name = 'Rome'
   and id = 'Ü€😀';
insert into note (id, text, amount) overriding system value values (0, 'x', -1);

-- transactions, savepoints, ON_ERROR_ROLLBACK, cursors, SQL-level PREPARE
begin;
:romans;
savepoint s;
select nonsense;
:romans;
rollback to s;
:romans;
commit;
\set ON_ERROR_ROLLBACK on
begin;
select nonsense;
:romans;
commit;
\set ON_ERROR_ROLLBACK off
begin;
declare c scroll cursor for select id from place where name = 'Rome' order by id;
fetch 2 from c;
fetch backward 1 from c;
close c;
rollback;
prepare named (text) as select id from place where name = $1 order by id;
execute named ('Rome');
execute named ('Nowhere');
deallocate named;
-- (EXPLAIN of what is restricted shows the restriction, so it is asked of another table.)
explain (costs off, timing off, summary off) select count(*) from note where amount = 1;
\set AUTOCOMMIT off
:romans;
rollback;
\set AUTOCOMMIT on

-- COPY, without DDL: that would have the proxy check all statements anew
begin;
\copy note (text, amount) from program 'seq -f "%g	1" 1 10000'
select count(*), sum(amount) from note;
\copy (select text, amount from note where length(text) = 1 order by text) to stdout with csv header
copy (select id, name from place where name = 'Rome' order by id) to stdout;
-- (Not CSV from here: psql before 18 sends the \. along, which a server from 18 on takes for data.)
copy note (text, amount) from stdin;
Ü€😀	5
\N	\N
\.
\copy note (text, amount) from program 'printf "\042a,b\042,5\n,\n"' with csv
select text, amount from note where amount is distinct from 1 order by text;
:romans;
copy note (text, amount) from stdin;
one	not a number
\.
rollback;
:romans;

-- what the backslash commands ask the catalog
\d
\d place
\d+ visit
\dt+ visit
\di
\df+ pg_catalog.current_schemas
\dx
\dn+
\dT+ pg_catalog.int4range
\sf pg_catalog.xpath(text,xml)
\du pcache
\dp place
\dC int8
\encoding
\l matrix

-- settings that say what an answer looks like
set timezone = 'Asia/Tokyo';
:romans;
set datestyle = 'German';
select id, seen, founded from place where name = 'Rome' order by id;
set bytea_output = 'escape';
select id, sign from place where name = 'Rome' order by id;
reset all;
set client_encoding = 'LATIN1';
select id, name from place where name = 'Rome' order by id;
\encoding UTF8
set pcache.mode = 'off';
:romans;
listen news;
notify news, 'read all about it';
select 1;
