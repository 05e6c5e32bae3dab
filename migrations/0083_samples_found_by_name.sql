-- Samples of all projects are found by a part of their name. pg_trgm is there since 0064.
create index sample_name_alike on sample using gin (lower(orig_id) gin_trgm_ops);
