-- Runs of predictions go in pieces, out of sight; and a project's data_version never comes twice.

alter table run add removed_at timestamptz;              -- not null: nobody sees it any more; a job removes its rows

-- What was derived from a state is kept under its version: one that is counted up in a transaction which is rolled back
-- would be given again to another state.
create sequence data_version;
select setval('data_version', (select coalesce(max(data_version), 1) from project));

create function note_data_version() returns trigger language plpgsql as $$
begin
    new.data_version := nextval('data_version');
    return new;
end
$$;
create trigger data_changed before update of data_version on project
    for each row execute function note_data_version();
