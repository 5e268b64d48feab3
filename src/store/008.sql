-- Version 8.

-- Whether this job made the account, and did not find it.
ALTER TABLE link ADD COLUMN created INTEGER NOT NULL DEFAULT 0 CHECK (created IN (0, 1));
UPDATE link SET created = 1
 WHERE EXISTS (SELECT 1 FROM log_entry e
                WHERE e.job = link.job AND e.source_id = link.source_id AND e.kind = link.kind
                  AND e.target_id = link.target_id AND e.action = 'create' AND e.status <> 'failure');
