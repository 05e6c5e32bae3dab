-- Cards: what a job proposes to be sorted together. A card's members never change: splitting, merging and the like put
-- new cards in the place of old ones, so that each such step can be taken back.

create table cluster_run (
    id bigint generated always as identity primary key,
    project_id int not null references project on delete cascade,
    account_id int references account on delete set null,
    job_id int references job on delete set null,
    query text not null,                                 -- the filter, as an address says it
    state text not null default 'asked' check (state in ('asked', 'begun', 'complete')), -- begun: of what had a vector
    n_wanted int,                                        -- cards; null: as many as suit
    n_objects int not null default 0,
    n_without_vector int not null default 0,
    merges int[] not null default '{}',                  -- of the leaves' tree, two nodes each
    spread_all real not null default 0,                  -- mean distance of all objects to their middle
    revision int not null default 0,                     -- raised by every change of its cards
    made_at timestamptz not null default now(),
    cut_at timestamptz
);
create index cluster_run_project on cluster_run (project_id, id);

create table cluster (
    id bigint generated always as identity primary key,
    run_id bigint not null references cluster_run on delete cascade,
    leaves int[],                                        -- of the tree; null: a person made this card
    is_loose boolean not null,
    is_gone boolean not null default false,              -- others took its place
    object_ids bigint[] not null,                        -- from the core to the edge
    distances real[] not null,                           -- cosine, to the middle
    known_ids bigint[] not null default '{}',            -- validated objects that lie in it
    middle real[] not null,                              -- the mean direction, of unit length
    spread real not null,                                -- mean distance
    title text not null default ''                       -- how a person made it
);
create index cluster_run_cards on cluster (run_id) where not is_gone;

-- The leaves as they were cut, from which any number of cards is joined.
create table cluster_leaf (
    run_id bigint not null references cluster_run on delete cascade,
    leaf int not null,
    is_loose boolean not null,
    object_ids bigint[] not null,
    distances real[] not null,
    known_ids bigint[] not null,
    middle real[] not null,
    primary key (run_id, leaf)
);

create table cluster_step (
    id bigint generated always as identity primary key,
    run_id bigint not null references cluster_run on delete cascade,
    account_id int references account on delete set null,
    client_id uuid not null,                             -- made by the browser: sent twice, it happens once
    kind text not null check (kind in ('split', 'merge', 'send_out', 'join')),
    removed bigint[] not null,                           -- cards that gave way
    added bigint[] not null,                             -- cards that took their place
    n_wanted_before int,
    at timestamptz not null default now(),
    undone_at timestamptz,
    turned_by uuid,                                      -- the undo or redo that it heard last
    unique (run_id, client_id)
);
create index cluster_step_run on cluster_step (run_id, id);
