-- A digest of what was asked with an act's client_id: sent again with another body it is refused, not answered as done.
alter table act add column request text;
