-- SPDX-License-Identifier: Apache-2.0
-- The segments of detections once a statement on PostgreSQL, like their movements in 013: asking the
-- same few segments 800 times was half of the time that the detections of a photo took to write.
--@postgresql
ALTER TABLE detections DROP CONSTRAINT detections_session_segment_id_fkey;
ALTER TABLE session_segments DROP CONSTRAINT session_segments_id_session_id_key;
-- One look-up by number for each segment and movement, which no statistics can turn into a scan.
-- The segment is locked as a foreign key locks it: it cannot go before its detections are seen.
CREATE OR REPLACE FUNCTION demeter_detections_linked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    named RECORD;
BEGIN
    FOR named IN SELECT DISTINCT stock_movement_id AS id FROM fresh
                 WHERE stock_movement_id IS NOT NULL LOOP
        PERFORM 1 FROM stock_movements WHERE id = named.id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'a detection names a movement that is not there'
                USING ERRCODE = 'foreign_key_violation', TABLE = 'detections',
                    CONSTRAINT = 'detections_stock_movement_id_fkey';
        END IF;
    END LOOP;
    IF TG_OP = 'UPDATE' THEN
        RETURN NULL; -- 007_append_only.sql: a detection stays where it was seen
    END IF;
    FOR named IN SELECT DISTINCT session_segment_id AS id, session_id FROM fresh LOOP
        PERFORM 1 FROM session_segments WHERE id = named.id AND session_id = named.session_id
            FOR KEY SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'a detection names a segment that its session does not have'
                USING ERRCODE = 'foreign_key_violation', TABLE = 'detections',
                    CONSTRAINT = 'detections_session_segment_id_fkey';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
-- The other side: detections go with their segment, and a segment that has some keeps its number.
CREATE FUNCTION demeter_segment_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM detections WHERE session_segment_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER session_segments_gone AFTER DELETE ON session_segments
    FOR EACH ROW EXECUTE FUNCTION demeter_segment_gone();
CREATE FUNCTION demeter_segment_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM detections WHERE session_segment_id = OLD.id) THEN
        RAISE EXCEPTION 'a segment with detections keeps its number and its session'
            USING ERRCODE = 'foreign_key_violation', TABLE = 'detections',
                CONSTRAINT = 'detections_session_segment_id_fkey';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER session_segments_renamed AFTER UPDATE OF id, session_id ON session_segments
    FOR EACH ROW WHEN (OLD.id <> NEW.id OR OLD.session_id <> NEW.session_id)
    EXECUTE FUNCTION demeter_segment_renamed();
--@both
