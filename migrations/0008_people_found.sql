-- People are found among 100,000 by any part of name, email or organisation, without lowering each on every question.

alter table account add found_by text collate "C"
    generated always as (lower(' ' || name || ' ' || email || ' ' || organisation)) stored;
