-- What replicas of the version before wrote meanwhile; then their table goes.
update progress p set steps = s.steps || p.steps from (
    select case_id, jsonb_object_agg(version::text, jsonb_build_array(state, at)) as steps from steps group by case_id
) s where s.case_id = p.case_id;
drop table steps;
