-- schedule-elsewhere: have command $3 run in database $4, as role $5, by schedule $2; in place of the job of that role that has the name $1.
select cron.schedule_in_database($1, $2, $3, $4, $5, true) as id
