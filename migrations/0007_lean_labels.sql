-- A label is written without touching an index: the pages find their objects in memory, none by this one.
drop index label_taxon;

-- The rows of an act stand together, in the order of their objects: they are appended, and found, as one piece.
alter table history drop constraint history_pkey;
drop index history_act;
alter table history add primary key (project_id, act_id, object_id);
create index history_object on history (project_id, object_id);
