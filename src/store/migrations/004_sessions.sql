-- SPDX-License-Identifier: Apache-2.0
-- Photographs and what was counted in them.
CREATE TABLE images (
    {id},
    {uuid:uuid} NOT NULL UNIQUE,
    {text:original_filename|255},
    {enum:content_type|'image/jpeg', 'image/png', 'image/webp', 'image/heic', 'image/avif',
        'image/tiff'} NOT NULL,
    {int64:file_size_bytes} NOT NULL,
    {int:width_px} NOT NULL,
    {int:height_px} NOT NULL,
    {text:sha256|64} NOT NULL,
    {bool:duplicate_forced} NOT NULL DEFAULT {false},
    {ts:captured_at} NOT NULL,
    {enum:captured_at_source|'exif', 'upload'} NOT NULL,
    {real:gps_lon},
    {real:gps_lat},
    {real:gps_error_m},
    {json:exif} NOT NULL DEFAULT '{}',
    {enum:upload_source|'web', 'mobile', 'api'} NOT NULL DEFAULT 'web',
    {fk:uploaded_by_user_id|users} NOT NULL,
    {enum:status|'uploaded', 'processing', 'ready', 'failed'} NOT NULL DEFAULT 'uploaded',
    {long:error_details},
    {ts:status_changed_at} NOT NULL DEFAULT ({now}),
    {ts:deleted_at},
    {times},
    {check:file_size_bytes|file_size_bytes >= 1},
    {check:size_px|width_px > 0 AND height_px > 0},
    {chars:sha256|0-9a-f|64},
    {check:gps|(gps_lon IS NULL) = (gps_lat IS NULL) AND (gps_lon IS NULL
        OR (gps_lon >= -180 AND gps_lon <= 180 AND gps_lat >= -90 AND gps_lat <= 90))},
    {check:gps_error_m|gps_error_m >= 0}
);
CREATE UNIQUE INDEX images_sha256_key ON images (sha256)
    WHERE deleted_at IS NULL AND NOT duplicate_forced;
{index:images|uploaded_by_user_id};
-- gallery
CREATE INDEX images_captured_at_idx ON images (captured_at DESC) WHERE deleted_at IS NULL;
CREATE INDEX images_status_idx ON images (status, created_at);

CREATE TABLE upload_batches (
    {id},
    {uuid:uuid} NOT NULL UNIQUE,
    {fk:user_id|users} NOT NULL,
    {int:total_files} NOT NULL,
    {int:rejected_files} NOT NULL,
    {long:notes},
    {json:rejections} NOT NULL DEFAULT '[]',
    {times},
    {check:files|total_files >= 0 AND rejected_files >= 0}
);
{index:upload_batches|user_id};

CREATE TABLE photo_processing_sessions (
    {id},
    {uuid:uuid} NOT NULL UNIQUE,
    {fk:image_id|images} NOT NULL,
    {fk:upload_batch_id|upload_batches},
    {fk:storage_location_id|storage_locations},
    {enum:location_source|'explicit', 'qr', 'gps', 'manual'},
    {fk:config_id|storage_location_configs},
    {fk:supersedes_session_id|photo_processing_sessions},
    {ts:captured_at} NOT NULL,
    {enum:status|'pending', 'processing', 'completed', 'failed'} NOT NULL DEFAULT 'pending',
    {enum:warning|'needs_location', 'location_uncertain', 'needs_config', 'needs_calibration',
        'no_detections'},
    {long:error_message},
    {int:total_detected} NOT NULL DEFAULT 0,
    {int:total_estimated} NOT NULL DEFAULT 0,
    {int:total_empty_containers} NOT NULL DEFAULT 0,
    {real:avg_confidence},
    {json:category_counts} NOT NULL DEFAULT '{}',
    {text:model_version|100},
    {int64:processing_ms},
    {enum:posting_status|'unposted', 'held', 'posted', 'void'} NOT NULL DEFAULT 'unposted',
    {json:hold_reasons} NOT NULL DEFAULT '[]',
    {ts:posted_at},
    {bool:validated} NOT NULL DEFAULT {false},
    {fk:validated_by_user_id|users},
    {ts:validated_at},
    {times},
    {check:totals|total_detected >= 0 AND total_estimated >= 0 AND total_empty_containers >= 0},
    {check:avg_confidence|avg_confidence >= 0 AND avg_confidence <= 1},
    {check:posted_at|(posting_status <> 'posted' OR posted_at IS NOT NULL)
        AND (posting_status IN ('posted', 'void') OR posted_at IS NULL)},
    {check:validated_all|validated = (validated_by_user_id IS NOT NULL)
        AND validated = (validated_at IS NOT NULL)}
);
{fk_now:storage_locations|latest_session_id|photo_processing_sessions|ON DELETE SET NULL}
{index:photo_processing_sessions|image_id};
{index:photo_processing_sessions|upload_batch_id};
{index:photo_processing_sessions|config_id};
{index:photo_processing_sessions|supersedes_session_id};
{index:photo_processing_sessions|validated_by_user_id};
-- claro card, gallery
CREATE INDEX photo_processing_sessions_storage_location_id_idx
    ON photo_processing_sessions (storage_location_id, captured_at DESC);
-- work lists
CREATE INDEX photo_processing_sessions_posting_status_idx
    ON photo_processing_sessions (posting_status, warning);

CREATE TABLE image_blobs (
    {id},
    {fk:image_id|images|ON DELETE CASCADE} NOT NULL,
    {fk:session_id|photo_processing_sessions},
    {enum:variant|'original', 'thumbnail', 'annotated'} NOT NULL,
    {enum:store|'dir', 's3', 'db'} NOT NULL,
    {text:storage_key|512},
    {blob:data},
    {enum:content_type|'image/jpeg', 'image/png', 'image/webp', 'image/heic', 'image/avif',
        'image/tiff'} NOT NULL,
    {int64:size_bytes} NOT NULL,
    {text:sha256|64} NOT NULL,
    {int:width_px} NOT NULL,
    {int:height_px} NOT NULL,
    {times},
    {check:place|(storage_key IS NULL) <> (data IS NULL) AND (store = 'db') = (data IS NOT NULL)},
    {chars:sha256|0-9a-f|64},
    UNIQUE (store, storage_key)
);
{index:image_blobs|session_id};
CREATE UNIQUE INDEX image_blobs_entry_key
    ON image_blobs (image_id, coalesce(session_id, 0), variant);

CREATE TABLE product_sample_images (
    {id},
    {fk:product_id|products} NOT NULL,
    {fk:image_id|images} NOT NULL,
    {fk:product_state_id|product_states},
    {fk:product_size_id|product_sizes},
    {fk:storage_location_id|storage_locations},
    {enum:sample_type|'reference', 'growth_stage', 'quality_check', 'monthly_sample'} NOT NULL,
    {date:capture_date} NOT NULL,
    {fk:captured_by_user_id|users} NOT NULL,
    {int:display_order} NOT NULL DEFAULT 0,
    {bool:is_primary} NOT NULL DEFAULT {false},
    {long:notes},
    {times}
);
CREATE UNIQUE INDEX product_sample_images_product_id_key
    ON product_sample_images (product_id) WHERE is_primary;
{index:product_sample_images|product_id};
{index:product_sample_images|image_id};
{index:product_sample_images|product_state_id};
{index:product_sample_images|product_size_id};
{index:product_sample_images|storage_location_id};
{index:product_sample_images|captured_by_user_id};

CREATE TABLE session_segments (
    {id},
    {fk:session_id|photo_processing_sessions|ON DELETE CASCADE} NOT NULL,
    {fk:storage_bin_id|storage_bins},
    {enum:category|'plug', 'seedling_tray', 'box', 'segment', 'pot'} NOT NULL,
    {int:ordinal} NOT NULL,
    {json:polygon} NOT NULL,
    {json:bbox} NOT NULL,
    {int64:mask_area_px} NOT NULL,
    {real:area_cm2},
    {real:confidence} NOT NULL,
    {int:detected_count} NOT NULL DEFAULT 0,
    {int:estimated_count} NOT NULL DEFAULT 0,
    {int:empty_count} NOT NULL DEFAULT 0,
    {times},
    {check:ordinal|ordinal >= 1},
    {check:confidence|confidence >= 0 AND confidence <= 1},
    {check:counts|detected_count >= 0 AND estimated_count >= 0 AND empty_count >= 0},
    UNIQUE (session_id, category, ordinal)
);
{index:session_segments|storage_bin_id};

CREATE TABLE classifications (
    {id},
    {fk:product_id|products},
    {fk:packaging_catalog_id|packaging_catalog},
    {fk:product_size_id|product_sizes},
    {real:product_conf},
    {real:packaging_conf},
    {real:product_size_conf},
    {text:model_version|100} NOT NULL,
    {text:name|255},
    {created},
    {check:something|product_id IS NOT NULL OR packaging_catalog_id IS NOT NULL
        OR product_size_id IS NOT NULL},
    {check:product_conf|product_conf >= 0 AND product_conf <= 1},
    {check:packaging_conf|packaging_conf >= 0 AND packaging_conf <= 1},
    {check:product_size_conf|product_size_conf >= 0 AND product_size_conf <= 1}
);
CREATE UNIQUE INDEX classifications_entry_key ON classifications (coalesce(product_id, 0),
    coalesce(packaging_catalog_id, 0), coalesce(product_size_id, 0), model_version);
{index:classifications|product_id};
{index:classifications|packaging_catalog_id};
{index:classifications|product_size_id};

CREATE TABLE density_calibrations (
    {id},
    {fk:density_parameter_id|density_parameters} NOT NULL,
    {fk:session_id|photo_processing_sessions},
    {fk:user_id|users},
    {int:sample_size} NOT NULL,
    {real:sample_area_cm2},
    {json:old_values} NOT NULL,
    {json:new_values} NOT NULL,
    {bool:applied} NOT NULL,
    {long:reason},
    {created}
);
{index:density_calibrations|density_parameter_id};
{index:density_calibrations|session_id};
{index:density_calibrations|user_id};
