-- A search may be by a text, whose vector is kept as that of an uploaded image is.

alter table query_image add column words text not null default '';  -- what was typed; '': it is an image
