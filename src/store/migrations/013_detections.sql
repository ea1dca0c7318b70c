-- SPDX-License-Identifier: Apache-2.0
-- The references of detections, cheaper on PostgreSQL, which looks each of them up row by row: three
-- look-ups for each of the 800 plants of a photo were a third of the time its posting took.
--@postgresql
-- Segment and session in one look-up, which also says that the segment is of this session.
ALTER TABLE session_segments
    ADD CONSTRAINT session_segments_id_session_id_key UNIQUE (id, session_id);
ALTER TABLE detections
    DROP CONSTRAINT detections_session_id_fkey,
    DROP CONSTRAINT detections_session_segment_id_fkey,
    DROP CONSTRAINT detections_stock_movement_id_fkey,
    ADD CONSTRAINT detections_session_segment_id_fkey FOREIGN KEY (session_segment_id, session_id)
        REFERENCES session_segments (id, session_id) ON DELETE CASCADE DEFERRABLE;
-- Movements once a statement: a photo names a few of them 800 times. That a movement stays is
-- certain, as nothing may change or delete one.
CREATE FUNCTION demeter_detections_linked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM (SELECT DISTINCT stock_movement_id AS id FROM fresh
                              WHERE stock_movement_id IS NOT NULL) f
               WHERE NOT EXISTS (SELECT 1 FROM stock_movements m WHERE m.id = f.id)) THEN
        RAISE EXCEPTION 'a detection names a movement that is not there'
            USING ERRCODE = 'foreign_key_violation', TABLE = 'detections',
                CONSTRAINT = 'detections_stock_movement_id_fkey';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER detections_linked_insert AFTER INSERT ON detections
    REFERENCING NEW TABLE AS fresh EXECUTE FUNCTION demeter_detections_linked();
CREATE TRIGGER detections_linked_update AFTER UPDATE ON detections
    REFERENCING NEW TABLE AS fresh EXECUTE FUNCTION demeter_detections_linked();
--@both
