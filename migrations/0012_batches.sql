-- Batches: frozen lists of objects with the reason why they are together, how far each was worked, and by whom.

create table batch (
    id bigint generated always as identity primary key,
    project_id int not null references project on delete cascade,
    account_id int references account on delete set null, -- whose work it is
    source text not null,                                -- the kind, as app/batches/sources.py knows it
    title text not null,
    query jsonb not null,                                -- what was asked for, as it was sent
    taxon_id int references taxon on delete set null,    -- the target: what its objects are expected to be; null: none
    ordering text not null check (ordering in ('neighbours', 'alike', 'least', 'extremes')),
    ranked boolean not null,                             -- whether it was found the likeliest first
    opens_marked boolean not null,                       -- false: outliers, mistakes and the like, whatever the chance
    n int not null,
    n_without_vector int not null default 0,
    n_tray int not null default 0,                       -- by place, as the parts say
    n_left int not null default 0,
    n_gone int not null default 0,
    n_moved int not null default 0,
    made_at timestamptz not null default now(),
    used_at timestamptz not null default now(),
    closed_at timestamptz
);
create index batch_project on batch (project_id, id);
create index batch_used on batch (used_at);

-- The list itself, as it was made, 200 objects a part. What changes is where each stands and when its turn is.
create table batch_part (
    batch_id bigint not null references batch on delete cascade,
    part int not null,
    object_ids bigint[] not null,
    places smallint[] not null,                          -- 0 waiting, 1 in the tray, 2 left: labelled or not this,
                                                         -- 3 gone: deleted or relabelled elsewhere, 4 in the tray's batch
    turns int[] not null,                                -- the order in which the waiting ones come
    distances real[] not null,                           -- to what was asked for; NaN: none
    primary key (batch_id, part)
);

-- The page that one works on and those done, so that a reload, another window and an undo find marks and places.
create table batch_page (
    batch_id bigint not null references batch on delete cascade,
    number int not null,
    object_ids bigint[] not null,                        -- in the order of the screen
    distances real[] not null,
    marks smallint[] not null,                           -- 0 passed over, 1 marked, 2 not this
    seen smallint[] not null,
    places smallint[],                                   -- where its act, or its turning, put each; -1: had left before
    line int,                                            -- how many stand before the boundary line; null: no line
    chances real[],                                      -- of the same label; null: nothing to calibrate on
    basis jsonb,                                         -- what they were calibrated on
    proposals jsonb,
    act_id bigint,                                       -- null where it was turned without one
    done_at timestamptz,
    primary key (batch_id, number)
);
create index batch_page_act on batch_page (act_id);

-- Who is about to label what. Lost with a crash, which costs nothing: the version of a label is the real guard.
create unlogged table reservation (
    project_id int not null references project on delete cascade,
    object_id bigint not null,
    batch_id bigint not null references batch on delete cascade,
    account_id int not null references account on delete cascade,
    until timestamptz not null,
    primary key (project_id, object_id)
);
create index reservation_batch on reservation (batch_id);

-- "Not this": in force while its act is not undone, nobody has reset it, and the object does not carry that label.
create table refusal (
    project_id int not null references project on delete cascade,
    object_id bigint not null,
    taxon_id int not null references taxon on delete cascade,
    act_id bigint not null references act on delete cascade,
    account_id int references account on delete set null,
    at timestamptz not null default now(),
    lapsed_at timestamptz,                               -- reset by a person
    primary key (project_id, object_id, taxon_id, act_id)
);
create index refusal_taxon on refusal (project_id, taxon_id);
create index refusal_act on refusal (act_id);

alter table act drop constraint act_kind_check;
alter table act add constraint act_kind_check
    check (kind in ('label', 'confirm', 'doubt', 'not_this', 'undo', 'redo', 'import'));
alter table act add column detail jsonb not null default '{}';
create index act_batch on act (batch_id, id) where batch_id is not null;
