-- What changes when any taxon does, so that what is derived from the tree of taxa can be kept in memory until then.

create table taxonomy_version (
    only_row boolean primary key default true check (only_row),
    version bigint not null
);
insert into taxonomy_version (version) values (1);

create function note_taxonomy_change() returns trigger language plpgsql as $$
begin
    update taxonomy_version set version = version + 1;
    return null;
end
$$;
create trigger taxon_changed after insert or update or delete or truncate on taxon
    for each statement execute function note_taxonomy_change();
