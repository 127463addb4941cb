-- notice-changes: let the log say what DDL did to sources; the number of those it did something to.
select "{schema}".notice() as noticed
