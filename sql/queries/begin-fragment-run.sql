-- begin-fragment-run: one snapshot for everything up to the commit, and no way to change anything (rule F1).
begin isolation level repeatable read read only
