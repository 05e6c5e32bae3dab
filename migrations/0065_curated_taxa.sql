-- Taxa that are kept in order: known on every server under the same number, looked at by managers where a person made
-- them, and replaced in labels by acts.

alter table taxon
    add uid uuid not null default gen_random_uuid(),     -- the same on every server that a portable list carries it to
    add created_in int references project on delete set null,  -- whose managers look at a class that a person made
    add reviewed_at timestamptz,                         -- by one of them, or an application manager; null: still waits
    add reviewed_by int references account on delete set null;
create unique index taxon_uid on taxon (uid);
create index taxon_waits on taxon (id) where created_by is not null and reviewed_at is null and status = 'N';
create index taxon_rename_to on taxon (rename_to) where rename_to is not null;

alter table act drop constraint act_kind_check;
alter table act add constraint act_kind_check check (
    kind in ('label', 'confirm', 'doubt', 'not_this', 'replace', 'undo', 'redo', 'undo_all', 'redo_all', 'import')
);
