-- What changes the catalog, or may have: the proxy reads it again before it restricts anything, statement by statement anew.
\set VERBOSITY verbose
select id from place where name = 'Rome' order by id;
do $$ begin perform 1 / 0; end $$;
do $$ begin raise notice 'one'; raise warning 'two' using detail = 'more', hint = 'less'; end $$;
create temp table copied (a int, b text);
\copy copied from program 'seq -f "%g	x" 1 10000'
select count(*), sum(a) from copied;
select id from place where name = 'Rome' order by id;
begin;
create table place_of_my_own as select * from place where name = 'Rome';
select count(*) from place_of_my_own;
alter table place rename to other;
select id from place where name = 'Rome' order by id;
select id from other where name = 'Rome' order by id;
rollback;
select id from place where name = 'Rome' order by id;
create schema mine;
create table mine.place (id integer, name text);
insert into mine.place values (1, 'Rome');
set search_path = mine, public;
select id from place where name = 'Rome' order by id;
create temp table place (id integer, name text);
select id from place where name = 'Rome' order by id;
drop schema mine cascade;
discard all;
select id from place where name = 'Rome' order by id;
select 1 as one into nothing_but_one;
drop table nothing_but_one, nothing_at_all;
drop table nothing_but_one;
drop table if exists nothing_but_one;
