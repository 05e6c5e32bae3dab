-- A reference project is frozen as a named version: its validated labels as they then stood. Later changes of labels are
-- proposals to it; those that are accepted stand in the next version. A version never changes once it has its name.

create table frozen_version (
    id int generated always as identity primary key,
    project_id int not null references project on delete cascade,
    number int not null,                                 -- from 1
    title text not null,
    note text not null default '',
    n_objects int not null,
    n_taxa int not null,
    account_id int references account on delete set null,
    frozen_at timestamptz not null default now(),
    unique (project_id, number),
    unique (project_id, title)
);

-- Each label with the first and the last version in which it stands: versions share what did not change. What was
-- accepted since the last version stands from the next one on.
create table frozen_label (
    project_id int not null references project on delete cascade,
    object_id bigint not null,
    from_number int not null,
    to_number int,                                       -- null: also in those to come
    taxon_id int not null,
    account_id int references account on delete set null,
    at timestamptz not null,
    provenance text not null,
    primary key (project_id, object_id, from_number)
);

-- Labels that are otherwise now than in the last version with what was accepted since, when somebody last looked.
create table frozen_proposal (
    project_id int not null references project on delete cascade,
    object_id bigint not null,
    kind text not null check (kind in ('added', 'renamed', 'removed')),
    old_taxon_id int,
    new_taxon_id int,
    label_version int not null,                          -- 0: there is no label
    primary key (project_id, object_id)
);

-- Refused ones are not proposed again while the label stays as it is.
create table frozen_refusal (
    project_id int not null references project on delete cascade,
    object_id bigint not null,
    label_version int not null,
    account_id int references account on delete set null,
    at timestamptz not null default now(),
    primary key (project_id, object_id)
);

create table frozen_look (
    project_id int primary key references project on delete cascade,
    looked_at timestamptz not null,
    n_added int not null,
    n_renamed int not null,
    n_removed int not null,
    n_accepted int not null,                             -- since the last version
    job_id int references job on delete set null         -- that looks, freezes or accepts now
);

alter table project_reference add number int;            -- a version of the reference; null: as it is now

alter table ecotaxa_object add removed_here boolean not null default false;
