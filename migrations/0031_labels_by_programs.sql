-- What a program labels outside of a batch is recorded as its word: nobody reported that it was seen.
alter table label drop constraint label_provenance_check;
alter table label add constraint label_provenance_check
    check (provenance in ('single', 'batch', 'audit', 'imported', 'api'));

-- The acts under one audit: a large acceptance is one in slices, and is over when none of them stands.
create index act_audit on act (((detail -> 'audit' ->> 'id')::bigint)) where provenance = 'audit';
