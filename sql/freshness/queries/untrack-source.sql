-- untrack-source: stop tracking the source $1.
select "{schema}".untrack($1)
