-- Who sets objects aside in a window has seen them, and it is noted as for all others: a program's owner has not.
insert into pile_seen (pile_id, account_id, object_id)
select pile_id, account_id, object_id
  from pile_object
 where account_id is not null
    on conflict do nothing;
