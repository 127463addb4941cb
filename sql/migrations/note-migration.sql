-- note-migration: number $1 with name $2 is about to be applied; $3: programs that do not know it must not use the schema.
insert into "{schema}"."{migrations}" (number, name, is_breaking) values ($1, $2, $3)
