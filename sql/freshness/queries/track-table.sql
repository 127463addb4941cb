-- track-table: track the table $2 of schema $1 for its key column $3; the reason why it cannot be, or null.
select "{schema}".track($1, $2, $3) as reason
