-- begin-writing-run: as begin-fragment-run, for a run that writes its entry in the same transaction (rule F1).
begin isolation level repeatable read
