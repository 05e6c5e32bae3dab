-- Taxa have more names than one: synonyms and common names. All are found by the beginnings of their words, at once in
-- a taxonomy of a million names, and by likeness where they are misspelt.

create extension if not exists pg_trgm;

-- As names are compared: without case, accents and signs; app/taxonomy/names.py's `folded` makes the same.
create function folded_name(name text) returns text language sql immutable strict parallel safe
return trim(regexp_replace(
    replace(lower(regexp_replace(normalize(name, nfkd), U&'[\0300-\036f]', '', 'g')), '<', ' < '),
    U&'[\0001-/:;=-@\005b-`{-\007f\00a0]+', ' ', 'g'
));

-- What remains of a name from each of its words on: "acartia clausi", "clausi".
create function name_tails(name text) returns table (tail text, place bigint) language sql immutable strict parallel safe
begin atomic
    select tail, place
    from (
        select word, place,
               string_agg(word, ' ') over (order by place rows between current row and unbounded following) as tail
        from string_to_table(folded_name(name), ' ') with ordinality as words (word, place)
    ) as tails
    where word not in ('<', '');
end;

create table other_name (
    id int generated always as identity primary key,
    taxon_id int not null references taxon on delete cascade,
    kind text not null check (kind in ('synonym', 'common')),
    name text not null,
    language text not null default '',                   -- of a common name, as its source says it: fr, eng
    unique (taxon_id, kind, name)
);

-- Where the typing of a name may begin. Made by triggers from display names, synonyms and common names.
create table name_start (
    taxon_id int not null references taxon on delete cascade,
    rank int not null,                                   -- the best first: see refresh_name_starts
    tail text collate "C" not null
);
create index name_start_taxon on name_start (taxon_id);
create index name_start_tail on name_start (tail, rank, taxon_id);
-- One to three letters begin a tenth of all names: the best of these are read in their order.
create index name_start_one on name_start ("left"(tail, 1), rank, taxon_id) include (tail);
create index name_start_two on name_start ("left"(tail, 2), rank, taxon_id);
create index name_start_three on name_start ("left"(tail, 3), rank, taxon_id);

create index taxon_folded_alike on taxon using gin (folded_name(name) gin_trgm_ops);
create index taxon_folded on taxon (folded_name(name));
create index other_name_folded_alike on other_name using gin (folded_name(name) gin_trgm_ops);
create index other_name_folded on other_name (folded_name(name));
create index taxon_aphia on taxon (aphia_id) where aphia_id is not null;

-- Short names first; after them where the word is not the first one (10,000), other names (100,000), what is deprecated
-- (1,000,000).
create function refresh_name_starts(ids int[]) returns void language sql
begin atomic
    delete from name_start where taxon_id = any(ids);
    insert into name_start (taxon_id, rank, tail)
    select given.id,
           (given.status = 'D')::int * 1000000 + given.is_other * 100000 + (tails.place > 1)::int * 10000
               + least(length(given.name), 9999),
           "left"(tails.tail, 200)
    from (
        select id, name, display_name as shown, status, 0 as is_other
        from taxon
        where id = any(ids)
        union all
        select taxon.id, other_name.name, other_name.name, taxon.status, 1
        from other_name
        join taxon on taxon.id = other_name.taxon_id
        where taxon.id = any(ids)
    ) as given
    cross join lateral name_tails(given.shown) as tails;
end;

create function note_taxa_made() returns trigger language plpgsql as $$
begin
    perform refresh_name_starts(array(select id from made));
    return null;
end
$$;
create trigger taxa_made after insert on taxon referencing new table as made
    for each statement execute function note_taxa_made();

create function note_taxa_renamed() returns trigger language plpgsql as $$
begin
    perform refresh_name_starts(array(
        select now.id
        from now
        join before on before.id = now.id
        where (now.name, now.display_name, now.status) is distinct from (before.name, before.display_name, before.status)
    ));
    return null;
end
$$;
create trigger taxa_renamed after update on taxon referencing old table as before new table as now
    for each statement execute function note_taxa_renamed();

create function note_taxon_names() returns trigger language plpgsql as $$
begin
    perform refresh_name_starts(array(select distinct taxon_id from changed));
    return null;
end
$$;
create trigger names_made after insert on other_name referencing new table as changed
    for each statement execute function note_taxon_names();
create trigger names_changed after update on other_name referencing new table as changed
    for each statement execute function note_taxon_names();
create trigger names_removed after delete on other_name referencing old table as changed
    for each statement execute function note_taxon_names();

select refresh_name_starts(array(select id from taxon));
