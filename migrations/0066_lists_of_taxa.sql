-- Lists of taxa that are brought: read and compared first, and taken in once somebody has looked at what would change.

create table taxon_import (
    id int generated always as identity primary key,
    account_id int references account on delete set null,
    source text not null,                                -- the file's name
    kind text not null default '',                       -- ecotaxa, darwin_core, csv or shoal
    path text not null,
    status text not null default 'reading' check (status in ('reading', 'planned', 'bringing', 'done', 'failed')),
    with_presets boolean not null default false,
    without_faulty boolean not null default false,
    report jsonb not null default '{}',                  -- as app/taxonomy/planning.py writes it
    job_id int references job on delete set null,
    created_at timestamptz not null default now(),
    ended_at timestamptz
);

create unlogged table taxon_staged (
    import_id int not null references taxon_import on delete cascade,
    number int not null,
    line int not null,
    key text not null,                                   -- by which the file names it
    parent_key text,                                     -- null: at the root
    name text not null,
    type text not null,
    status text not null,
    rank text not null,
    aphia_id int,
    ecotaxa_id int,
    uid uuid,
    instead_key text,                                    -- the accepted or advised one
    is_synonym boolean not null default false,           -- of that one: no taxon of its own
    taxon_id int,                                        -- ours that it means; a new one's is reserved
    parent_id int,
    depth int,                                           -- below what is known or a root; null: not reached
    is_new boolean not null default false,
    fault text,
    primary key (import_id, number)
);
create index taxon_staged_key on taxon_staged (import_id, key);
create index taxon_staged_parent on taxon_staged (import_id, parent_key);

create unlogged table taxon_staged_name (
    import_id int not null references taxon_import on delete cascade,
    key text not null,
    kind text not null,
    name text not null,
    language text not null
);
create index taxon_staged_name_key on taxon_staged_name (import_id, key);

create unlogged table taxon_staged_preset (
    import_id int not null references taxon_import on delete cascade,
    project text not null,
    position int not null,
    key text not null
);
