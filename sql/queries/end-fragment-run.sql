-- end-fragment-run: all keys are read.
commit
