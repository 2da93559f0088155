-- An inbox is read newest first for each audience, and for each role within a county or a wider area.
drop index notice_role;
create index notice_role_seq on notice (role, seq) where inbox and role <> '';
create index notice_role_county on notice (role, left(area, 6), seq) where inbox and role <> '';
