-- SPDX-License-Identifier: Apache-2.0
-- Jobs with children, the trace they belong to, kinds that the program's table alone knows; queues
-- that are paused, and duties that one process at a time has.
ALTER TABLE jobs ADD COLUMN {fk:parent_id|jobs};
ALTER TABLE jobs ADD COLUMN {text:traceparent|55};
-- the unfinished children of a job
CREATE INDEX jobs_parent_id_idx ON jobs (parent_id) WHERE status IN ('pending', 'processing');

--@postgresql
ALTER TABLE jobs DROP CONSTRAINT jobs_kind_check;
ALTER TABLE jobs ADD CONSTRAINT jobs_kind_check CHECK (kind ~ '^[a-z_]+$');
--@sqlite
-- A rule that only becomes wider may be written into the schema in place
-- (https://www.sqlite.org/lang_altertable.html#otheralter).
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql =
    substr(sql, 1, instr(sql, 'kind IN (') - 1) || 'kind NOT GLOB ''*[^a-z_]*'''
    || substr(sql, instr(sql, '''cleanup'')') + 10)
    WHERE type = 'table' AND name = 'jobs';
PRAGMA writable_schema = RESET;
--@both

CREATE TABLE queue_pauses (
    {text:queue|30} PRIMARY KEY,
    {fk:user_id|users} NOT NULL,
    {created}
);
{index:queue_pauses|user_id};

CREATE TABLE queue_duties (
    {text:duty|30} PRIMARY KEY,
    {text:holder|100} NOT NULL,
    {ts:held_until} NOT NULL
);
