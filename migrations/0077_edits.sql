-- Columns and labels that are changed in mass: acts too, which keep what stood before, so that each can be taken back.

alter table act drop constraint act_kind_check;
alter table act add constraint act_kind_check check (
    kind in ('label', 'confirm', 'doubt', 'not_this', 'replace', 'edit', 'undo_edit', 'undo', 'redo', 'undo_all',
             'redo_all', 'import')
);
create index act_edit on act (project_id, id) where kind = 'edit';

-- What an edit did to columns, value by value; labels have their history.
create table field_change (
    project_id int not null references project on delete cascade,
    act_id bigint not null references act on delete cascade,
    place smallint not null,                             -- of the column among those that the act changed
    object_id bigint not null default 0,                 -- of what the value is: an object, or else
    parent_id bigint not null default 0,                 -- a sample or an acquisition; of a process its acquisition
    old_value text,                                      -- null: there was none
    new_value text,
    primary key (act_id, object_id, parent_id, place)
);
create index field_change_project on field_change (project_id);

-- A table of new values that somebody brought, by the things that its rows name.
create table edit_table (
    id int generated always as identity primary key,
    project_id int not null references project on delete cascade,
    account_id int references account on delete set null,
    name text not null,
    level text not null check (level in ('object', 'sample', 'acquisition', 'process')),
    columns text[] not null,
    n_rows int not null default 0,
    faults jsonb not null default '{}',                  -- lines that were left out: how many, and the first of them
    created_at timestamptz not null default now()
);
create index edit_table_project on edit_table (project_id);

create table edit_row (
    table_id int not null references edit_table on delete cascade,
    thing_id bigint not null,
    line int not null,
    cells text[] not null,                               -- as the columns have them; null: an empty cell
    primary key (table_id, thing_id)
);
