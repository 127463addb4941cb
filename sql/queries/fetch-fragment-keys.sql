-- fetch-fragment-keys: the next keys of the running fragment. 5,000 a round trip: a few hundred kilobytes.
fetch forward 5000 from pcache_fragment_keys
