-- Projects are found by where and when their objects were taken: degrees and months in which each has any, derived from
-- its objects whenever these have changed.
create table project_reach (
    project_id int not null references project on delete cascade,
    latitude_deg smallint,                               -- south edge of the degree; null: no position is known
    longitude_deg smallint,                              -- west edge
    month date                                           -- its first day; null: no day is known
);
create index project_reach_project on project_reach (project_id);
create index project_reach_place on project_reach (latitude_deg, longitude_deg, month);
alter table project add column reach_version bigint;     -- the data_version that they are of

-- And by their taxa.
create index count_delta_taxon on count_delta (taxon_id, project_id);
