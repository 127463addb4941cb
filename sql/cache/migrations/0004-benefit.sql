-- 0004-benefit: what entries have been good for.
-- breaking: no
--
-- What replaces an entry leaves both alone: they are of its fragment.

-- Statements that were restricted by it.
alter table "{prefix}entry" add column uses bigint not null default 0;
-- By how much less time they took than unrestricted, in milliseconds; an estimate.
alter table "{prefix}entry" add column saved_ms double precision not null default 0;
