-- unschedule: end the jobs with the names $1.
select cron.unschedule(j.jobid) from cron.job as j where j.jobname = any ($1)
