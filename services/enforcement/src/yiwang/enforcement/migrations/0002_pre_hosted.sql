-- In whose name the act is done: a county for which this node's agency acts, or empty for the node itself.
alter table files add column jurisdiction text not null default '';
