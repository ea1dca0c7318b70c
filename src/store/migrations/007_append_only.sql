-- SPDX-License-Identifier: Apache-2.0
-- What is written once: refused by triggers, with the exceptions of data-model.md section 12.
--@postgresql
CREATE FUNCTION demeter_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'append-only: %', TG_TABLE_NAME
        USING ERRCODE = 'DM001', TABLE = TG_TABLE_NAME;
END $$;
--@both
{no_update:schema_migrations|FALSE};
{no_delete:schema_migrations|FALSE};
{no_update:stock_movements|FALSE};
{no_delete:stock_movements|FALSE};
{no_update:classifications|FALSE};
{no_delete:classifications|FALSE};
{no_update:session_adjustments|FALSE};
{no_delete:session_adjustments|FALSE};
{no_update:density_calibrations|FALSE};
{no_delete:density_calibrations|FALSE};
{no_update:price_list_revisions|FALSE};
{no_delete:price_list_revisions|FALSE};
{no_update:sales_import_rows|FALSE};
{no_delete:sales_import_rows|FALSE};

-- Retention: audit rows after five years, idempotency keys after two days.
{no_update:audit_log|FALSE};
{no_update:idempotency_keys|FALSE};
--@sqlite
{no_delete:audit_log|OLD.created_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-5 years')};
{no_delete:idempotency_keys|OLD.created_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-48 hours')};
--@postgresql
{no_delete:audit_log|OLD.created_at < statement_timestamp() - INTERVAL '5 years'};
{no_delete:idempotency_keys|OLD.created_at < statement_timestamp() - INTERVAL '48 hours'};
--@both

-- Posting a count links each detection and estimation to its movement and classification, once.
{no_update:detections|(OLD.stock_movement_id IS NULL
        OR OLD.stock_movement_id IS NOT DISTINCT FROM NEW.stock_movement_id)
    AND (OLD.classification_id IS NULL
        OR OLD.classification_id IS NOT DISTINCT FROM NEW.classification_id)
    AND OLD.id = NEW.id AND OLD.session_id = NEW.session_id
    AND OLD.session_segment_id = NEW.session_segment_id
    AND OLD.center_x_px = NEW.center_x_px AND OLD.center_y_px = NEW.center_y_px
    AND OLD.width_px = NEW.width_px AND OLD.height_px = NEW.height_px
    AND OLD.confidence = NEW.confidence AND OLD.is_empty_container = NEW.is_empty_container
    AND OLD.is_alive = NEW.is_alive AND OLD.created_at = NEW.created_at};
{no_update:estimations|(OLD.stock_movement_id IS NULL
        OR OLD.stock_movement_id IS NOT DISTINCT FROM NEW.stock_movement_id)
    AND (OLD.classification_id IS NULL
        OR OLD.classification_id IS NOT DISTINCT FROM NEW.classification_id)
    AND OLD.id = NEW.id AND OLD.session_id = NEW.session_id
    AND OLD.session_segment_id = NEW.session_segment_id
    AND OLD.band IS NOT DISTINCT FROM NEW.band
    AND OLD.vegetation_polygon IS NOT DISTINCT FROM NEW.vegetation_polygon
    AND OLD.detected_area_cm2 = NEW.detected_area_cm2 AND OLD.estimated_count = NEW.estimated_count
    AND OLD.calculation_method = NEW.calculation_method AND OLD.confidence = NEW.confidence
    AND OLD.used_density_parameters = NEW.used_density_parameters
    AND OLD.created_at = NEW.created_at};

-- A session that was never posted may be removed with all it counted: its row is then already gone.
--@sqlite
CREATE TRIGGER photo_processing_sessions_no_delete BEFORE DELETE ON photo_processing_sessions
    WHEN OLD.posted_at IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'append-only: photo_processing_sessions'); END;
CREATE TRIGGER detections_no_delete BEFORE DELETE ON detections
    WHEN EXISTS (SELECT 1 FROM photo_processing_sessions WHERE id = OLD.session_id)
    BEGIN SELECT RAISE(ABORT, 'append-only: detections'); END;
CREATE TRIGGER estimations_no_delete BEFORE DELETE ON estimations
    WHEN EXISTS (SELECT 1 FROM photo_processing_sessions WHERE id = OLD.session_id)
    BEGIN SELECT RAISE(ABORT, 'append-only: estimations'); END;
--@postgresql
CREATE FUNCTION demeter_session_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM photo_processing_sessions WHERE id = OLD.session_id) THEN
        RAISE EXCEPTION 'append-only: %', TG_TABLE_NAME
            USING ERRCODE = 'DM001', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER photo_processing_sessions_no_delete BEFORE DELETE ON photo_processing_sessions
    FOR EACH ROW WHEN (OLD.posted_at IS NOT NULL) EXECUTE FUNCTION demeter_append_only();
CREATE TRIGGER detections_no_delete BEFORE DELETE ON detections
    FOR EACH ROW EXECUTE FUNCTION demeter_session_part();
CREATE TRIGGER detections_no_truncate BEFORE TRUNCATE ON detections
    EXECUTE FUNCTION demeter_append_only();
CREATE TRIGGER estimations_no_delete BEFORE DELETE ON estimations
    FOR EACH ROW EXECUTE FUNCTION demeter_session_part();
CREATE TRIGGER estimations_no_truncate BEFORE TRUNCATE ON estimations
    EXECUTE FUNCTION demeter_append_only();
--@both
