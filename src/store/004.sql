-- Version 4.

-- Reports of a manager that comes or leaves.
CREATE INDEX object_manager ON object (lower(manager)) WHERE manager IS NOT NULL;

-- Letter case means nothing in a UUID, and ids are kept in one spelling.
UPDATE OR IGNORE object SET id = lower(id) WHERE id LIKE '________-____-____-____-____________' AND id <> lower(id);
UPDATE OR IGNORE membership SET parent = lower(parent) WHERE parent LIKE '________-____-____-____-____________' AND parent <> lower(parent);
UPDATE OR IGNORE membership SET member = lower(member) WHERE member LIKE '________-____-____-____-____________' AND member <> lower(member);
UPDATE OR IGNORE assignment SET principal = lower(principal) WHERE principal LIKE '________-____-____-____-____________' AND principal <> lower(principal);
UPDATE OR IGNORE change SET object = lower(object) WHERE object LIKE '________-____-____-____-____________' AND object <> lower(object);
UPDATE OR IGNORE change SET other = lower(other) WHERE other LIKE '________-____-____-____-____________' AND other <> lower(other)
   AND what IN ('member added', 'member removed');
UPDATE OR IGNORE link SET source_id = lower(source_id) WHERE source_id LIKE '________-____-____-____-____________' AND source_id <> lower(source_id);
UPDATE OR IGNORE reference SET source_id = lower(source_id) WHERE source_id LIKE '________-____-____-____-____________' AND source_id <> lower(source_id);
UPDATE OR IGNORE reference SET other_id = lower(other_id) WHERE other_id LIKE '________-____-____-____-____________' AND other_id <> lower(other_id);
UPDATE OR IGNORE intent SET source_id = lower(source_id) WHERE source_id LIKE '________-____-____-____-____________' AND source_id <> lower(source_id);
UPDATE OR IGNORE escrow SET source_id = lower(source_id) WHERE source_id LIKE '________-____-____-____-____________' AND source_id <> lower(source_id);
UPDATE OR IGNORE staged SET source_id = lower(source_id) WHERE source_id LIKE '________-____-____-____-____________' AND source_id <> lower(source_id);
UPDATE OR IGNORE log_entry SET source_id = lower(source_id) WHERE source_id LIKE '________-____-____-____-____________' AND source_id <> lower(source_id);
