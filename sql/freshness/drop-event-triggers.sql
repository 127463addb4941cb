-- drop-event-triggers: DDL is not looked at any more.
drop event trigger if exists "{schema}_ddl";
drop event trigger if exists "{schema}_drop";
