-- 0002-bytes: how much the keys of an entry take.
-- breaking: no
--
-- As they were given, before the table compresses them; NULL for entries from before, which say nothing of it.

alter table "{prefix}entry" add column bytes bigint;
