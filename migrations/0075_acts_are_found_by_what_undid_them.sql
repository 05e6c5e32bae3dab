-- A project that is erased takes its acts with it: whoever refers to one is found by an index, not by reading all.

create index act_reverses on act (reverses) where reverses is not null;
create index act_reversed_by on act (reversed_by) where reversed_by is not null;
create index settled_act on settled (act_id);
create index pile_act on pile (act_id) where act_id is not null;
create index audit_act on audit (act_id) where act_id is not null;
