-- What each project takes on disk, as it was last measured: that is a job, since files and rows are counted.

create table disk_use (
    project_id int primary key references project on delete cascade,
    parts jsonb not null,                                -- as app/keeping/disk.py's Part says, by name
    measured_at timestamptz not null default now()
);
