-- Objects are found by the name of an image's file, with or without its folder and its ending, in any case; acquisitions
-- by a part of their name, as samples are since 0083.

create function file_stem(file_name text) returns text
    language sql immutable strict parallel safe
    return lower(regexp_replace(regexp_replace(file_name, '^.*[/\\]', ''), '(.)\.[^.]*$', '\1'));

create index image_file_stem on image (project_id, file_stem(file_name));
create index acquisition_name_alike on acquisition using gin (lower(orig_id) gin_trgm_ops);

-- Acts of programs were told as of the board: their days are folded anew.
delete from activity_day where project_id in (select project_id from act where provenance = 'api');
update project set activity_until = null where id in (select project_id from act where provenance = 'api');
