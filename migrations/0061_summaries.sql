-- What a summary comes to, for the plot and the table on its page: the totals of its file, as long as that is kept.

alter table export add column summary jsonb;
