-- What was decided of taxa here stands when a list says otherwise: what people changed, and what they took away.

alter table taxon add changed_at timestamptz;            -- its name, place or state, here, but by a portable list
update taxon set changed_at = reviewed_at where reviewed_at is not null;

-- Classes that were taken away here: a portable list does not bring them back.
create table taxon_removed (
    uid uuid primary key,
    name text not null,
    removed_at timestamptz not null default now()
);

-- Images are often there before the list of taxa: their classes were made at the root, and may take the places in it.
alter table taxon_import add match_roots boolean not null default false;
alter table taxon_staged
    add is_removed boolean not null default false,
    add instead_id int,                                  -- ours that a deprecated one is to be replaced by
    add root_id int;                                     -- the class without a place that has this name

-- A class that came by a list waits too, and nobody here created it.
drop index taxon_waits;
create index taxon_waits on taxon (id) where reviewed_at is null and status = 'N';
