-- Near-duplicates stand as one on a page; one act of a batch may take several tiles off it; people have keys of their own.

alter table batch_part add column stacks bigint[]; -- of each object: the first of those it stands with, 0 alone; null: none does

-- The tiles that an act took off a page by themselves.
update act
   set detail = jsonb_set(detail, '{single}', jsonb_build_array(detail -> 'single'))
 where jsonb_typeof(detail -> 'single') = 'number';

-- Commands with the keys that this person has given them; what is not named has its usual ones.
alter table account add column keys jsonb not null default '{}';
