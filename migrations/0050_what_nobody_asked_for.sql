-- Work that nobody asked for ranks below what somebody did; what was begun in a space is found when it goes.

alter table job add priority smallint not null default 0;  -- the higher is begun first

create index batch_space on batch (space_id) where space_id is not null;
create index kept_search_space on kept_search (space_id) where space_id is not null;
create index cluster_run_space on cluster_run (space_id) where space_id is not null;
