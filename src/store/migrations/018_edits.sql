-- SPDX-License-Identifier: Apache-2.0
-- Boxes that people draw and move, thresholds they choose, what they take back; and the header
-- fields of answers that are given again.
ALTER TABLE session_adjustments ADD COLUMN {json:box};
ALTER TABLE session_adjustments ADD COLUMN {real:threshold};
ALTER TABLE session_adjustments ADD COLUMN {fk:reverts_id|session_adjustments};
-- taken back once
CREATE UNIQUE INDEX session_adjustments_reverts_id_key ON session_adjustments (reverts_id);
ALTER TABLE idempotency_keys ADD COLUMN {json:response_fields};

--@postgresql
ALTER TABLE session_adjustments
    DROP CONSTRAINT session_adjustments_kind_check,
    DROP CONSTRAINT session_adjustments_quantity_delta_check,
    ADD CONSTRAINT session_adjustments_kind_check CHECK (kind IN ('add_plants', 'remove_plants',
        'mark_dead', 'mark_empty', 'unmark', 'set_size', 'claro_empty', 'add_box', 'move_box',
        'threshold', 'revert')),
    ADD CONSTRAINT session_adjustments_quantity_delta_check CHECK (quantity_delta <> 0
        OR kind IN ('set_size', 'claro_empty', 'move_box', 'revert'));
--@sqlite
-- Rules that only become wider are written into the schema in place, as in 010_jobs.sql.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''claro_empty''',
    '''claro_empty'', ''add_box'', ''move_box'', ''threshold'', ''revert''')
    WHERE type = 'table' AND name = 'session_adjustments';
PRAGMA writable_schema = RESET;
--@both
