-- Projects that go to an EcoTaxa and come from it: what both sides last agreed on is kept, so that each side's changes
-- since are told apart from the other's, and nobody's are overwritten unseen.

create table ecotaxa_link (
    project_id int primary key references project on delete cascade,
    address text not null,                               -- of the server: https://ecotaxa.example.org
    remote_id int not null,                              -- the project's number there
    remote_title text not null default '',
    read_at timestamptz,                                 -- when its labels were last read
    pulled_at timestamptz,
    pushed_at timestamptz,
    created_at timestamptz not null default now()
);

-- A pull, a comparison or a push. The token is sealed with a key that only this server's folder has, and goes with the
-- end of the visit.
create table ecotaxa_visit (
    id int generated always as identity primary key,
    project_id int not null references ecotaxa_link (project_id) on delete cascade,
    account_id int references account on delete set null,
    action text not null check (action in ('pull', 'compare', 'push')),
    token bytea,
    state jsonb not null default '{}',                   -- what a killed visit goes on from
    report jsonb not null default '{}',                  -- as app/ecotaxa/visits.py's Report
    job_id int references job on delete set null,
    created_at timestamptz not null default now(),
    ended_at timestamptz
);
create index ecotaxa_visit_project on ecotaxa_visit (project_id, id);
create index ecotaxa_visit_token on ecotaxa_visit (created_at) where token is not null;

-- Objects as EcoTaxa had them when it was last read, beside what stood on both sides when they last agreed. Labels are
-- people's alone: status V or D, else null.
create table ecotaxa_object (
    project_id int not null references ecotaxa_link (project_id) on delete cascade,
    remote_id bigint not null,
    object_id bigint,                                    -- null: not here
    orig_id text not null,
    sample_id bigint,                                    -- theirs
    status text,
    taxon_id int,                                        -- their number
    by_name text,
    at timestamptz,
    visit_id int not null,                               -- that last saw it
    base_status text,                                    -- theirs when both last agreed
    base_taxon_id int,
    our_status text,                                     -- ours then
    our_taxon_id int,
    difference text check (difference in ('take', 'conflict', 'send', 'unmapped', 'blocked', 'withdrawn', 'gone')),
    seen_version int,                                    -- of our label, when the difference was told
    primary key (project_id, remote_id)
);
create unique index ecotaxa_object_here on ecotaxa_object (project_id, object_id) where object_id is not null;
create index ecotaxa_object_orig on ecotaxa_object (project_id, orig_id);
create index ecotaxa_object_differs on ecotaxa_object (project_id, difference, remote_id) where difference is not null;

-- What EcoTaxa says of the categories that are in use on either side.
create table ecotaxa_category (
    project_id int not null references ecotaxa_link (project_id) on delete cascade,
    remote_id int not null,
    name text not null default '',
    is_usable boolean not null,                          -- false: deprecated, or not there
    primary key (project_id, remote_id)
);

-- Which of its categories stands for a taxon that has no number of EcoTaxa's, as a manager said.
create table ecotaxa_taxon (
    project_id int not null references ecotaxa_link (project_id) on delete cascade,
    taxon_id int not null references taxon on delete cascade,
    remote_id int not null,
    primary key (project_id, taxon_id)
);
