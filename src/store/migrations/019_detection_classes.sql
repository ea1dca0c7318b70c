-- SPDX-License-Identifier: Apache-2.0
-- The classifications of detections once a statement on PostgreSQL, too (013, 016): most have none,
-- and asking 800 times about nothing took as long as writing an index.
--@postgresql
ALTER TABLE detections DROP CONSTRAINT detections_classification_id_fkey;
-- That a classification stays is certain, as nothing may change or delete one (007).
CREATE FUNCTION demeter_detections_classified() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    named RECORD;
BEGIN
    FOR named IN SELECT DISTINCT classification_id AS id FROM fresh
                 WHERE classification_id IS NOT NULL LOOP
        PERFORM 1 FROM classifications WHERE id = named.id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'a detection names a classification that is not there'
                USING ERRCODE = 'foreign_key_violation', TABLE = 'detections',
                    CONSTRAINT = 'detections_classification_id_fkey';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER detections_classified_insert AFTER INSERT ON detections
    REFERENCING NEW TABLE AS fresh EXECUTE FUNCTION demeter_detections_classified();
CREATE TRIGGER detections_classified_update AFTER UPDATE ON detections
    REFERENCING NEW TABLE AS fresh EXECUTE FUNCTION demeter_detections_classified();
--@both
