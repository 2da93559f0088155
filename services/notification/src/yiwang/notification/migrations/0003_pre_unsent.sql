-- A notice to which no channel leads was not sent; it didn't fail: nothing was tried.
alter table notice drop constraint notice_state_check;
alter table notice add constraint notice_state_check check (state in ('pending', 'delivered', 'failed', 'unsent'));
update notice n set state = 'unsent', failure_class = ''
where state = 'failed' and failure_class = 'no_recipient'
  and not exists (select from delivery d where d.notice_id = n.notice_id);
