-- Pages are compressed where the server can do it at little cost; else they stay as they are.
do $$ begin
    alter table kit_outbox alter column data set compression lz4;
    alter table kit_outbox alter column data set storage extended;
exception when feature_not_supported then null;
end $$;
