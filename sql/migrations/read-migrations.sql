-- read-migrations: what has been applied to the schema, in order.
select number, name, is_breaking from "{schema}"."{migrations}" order by number
