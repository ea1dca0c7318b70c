-- SPDX-License-Identifier: Apache-2.0
-- Sales files, jobs, exports, and the audit trail.
CREATE TABLE sales_imports (
    {id},
    {uuid:uuid} NOT NULL UNIQUE,
    {text:accounting_month|7},
    {json:file_names} NOT NULL,
    {json:file_sha256s} NOT NULL,
    {int:row_count} NOT NULL,
    {int:bad_row_count} NOT NULL,
    {fk:user_id|users} NOT NULL,
    {times},
    {check:month|accounting_month LIKE '____-__'},
    {check:counts|row_count >= 0 AND bad_row_count >= 0}
);
{index:sales_imports|user_id};

CREATE TABLE sales_import_rows (
    {id},
    {fk:sales_import_id|sales_imports} NOT NULL,
    {int:file_no} NOT NULL,
    {int:line_no} NOT NULL,
    {fk:product_id|products},
    {fk:product_category_id|product_categories},
    {fk:packaging_catalog_id|packaging_catalog},
    {fk:price_list_item_id|price_list_items},
    {int64:quantity_sold},
    {date:sale_date},
    {json:raw} NOT NULL,
    {long:error},
    {bool:is_repeat} NOT NULL DEFAULT {false},
    {created},
    {check:quantity_sold|quantity_sold > 0},
    {check:bad|error IS NULL OR (product_id IS NULL AND product_category_id IS NULL
        AND packaging_catalog_id IS NULL AND price_list_item_id IS NULL)},
    {check:good|error IS NOT NULL OR quantity_sold IS NOT NULL},
    UNIQUE (sales_import_id, file_no, line_no)
);
CREATE INDEX sales_import_rows_sale_date_idx ON sales_import_rows (sale_date);
-- comparison
CREATE INDEX sales_import_rows_packaging_catalog_id_idx
    ON sales_import_rows (packaging_catalog_id, product_id);
{index:sales_import_rows|product_id};
{index:sales_import_rows|product_category_id};
{index:sales_import_rows|price_list_item_id};

CREATE TABLE sales_validation_lines (
    {id},
    {fk:sales_import_id|sales_imports|ON DELETE CASCADE} NOT NULL,
    {fk:product_id|products},
    {fk:product_category_id|product_categories},
    {fk:packaging_catalog_id|packaging_catalog},
    {int64:system_logged} NOT NULL,
    {int64:system_calculated} NOT NULL,
    {int64:external} NOT NULL,
    {int64:difference} NOT NULL,
    {int64:tolerance} NOT NULL,
    {enum:result|'match', 'mismatch', 'only_external', 'only_system'} NOT NULL,
    {enum:resolution|'open', 'investigating', 'resolved', 'accepted'} NOT NULL DEFAULT 'open',
    {enum:cause|'theft', 'unrecorded_death', 'unrecorded_sale', 'count_error', 'csv_error', 'timing',
        'other'},
    {long:note},
    {fk:resolved_by_user_id|users},
    {ts:resolved_at},
    {times},
    {check:difference|difference = system_logged + system_calculated - external},
    {check:resolved|(resolved_by_user_id IS NULL) = (resolved_at IS NULL)}
);
CREATE UNIQUE INDEX sales_validation_lines_entry_key ON sales_validation_lines (sales_import_id,
    coalesce(product_id, 0), coalesce(product_category_id, 0), coalesce(packaging_catalog_id, 0));
{index:sales_validation_lines|product_id};
{index:sales_validation_lines|product_category_id};
{index:sales_validation_lines|packaging_catalog_id};
{index:sales_validation_lines|resolved_by_user_id};

CREATE TABLE jobs (
    {id},
    {uuid:uuid} NOT NULL UNIQUE,
    {enum:kind|'process_photo', 'reprocess_photo', 're_estimate', 'export', 'sales_import',
        'map_import', 'calibrate', 'cleanup'} NOT NULL,
    {enum:status|'pending', 'processing', 'completed', 'completed_with_warning', 'failed',
        'cancelled'} NOT NULL DEFAULT 'pending',
    {int:priority} NOT NULL DEFAULT 5,
    {json:payload} NOT NULL,
    {json:result},
    {fk:upload_batch_id|upload_batches},
    {fk:image_id|images},
    {fk:session_id|photo_processing_sessions},
    {fk:user_id|users} NOT NULL,
    {int:progress_percent} NOT NULL DEFAULT 0,
    {text:phase|30},
    {int:attempts} NOT NULL DEFAULT 0,
    {int:max_attempts} NOT NULL DEFAULT 3,
    {ts:run_after} NOT NULL,
    {ts:lease_until},
    {text:worker_name|100},
    {ts:started_at},
    {ts:finished_at},
    {text:error_code|50},
    {long:error_message},
    {times},
    {check:priority|priority >= 0 AND priority <= 9},
    {check:progress_percent|progress_percent >= 0 AND progress_percent <= 100},
    {check:attempts|attempts >= 0 AND max_attempts >= 1},
    {check:lease|(status = 'processing') = (lease_until IS NOT NULL)}
);
CREATE UNIQUE INDEX jobs_image_id_key ON jobs (image_id)
    WHERE status IN ('pending', 'processing');
-- queue
CREATE INDEX jobs_status_idx ON jobs (status, priority DESC, run_after, id);
{index:jobs|upload_batch_id};
{index:jobs|image_id};
{index:jobs|session_id};
{index:jobs|user_id};

CREATE TABLE export_files (
    {id},
    {fk:job_id|jobs},
    {fk:user_id|users} NOT NULL,
    {text:report|50} NOT NULL,
    {enum:format|'csv', 'xlsx', 'json'} NOT NULL,
    {json:filter} NOT NULL,
    {int64:row_count} NOT NULL,
    {int64:size_bytes} NOT NULL,
    {enum:store|'dir', 's3', 'db'} NOT NULL,
    {text:storage_key|512},
    {blob:data},
    {ts:expires_at} NOT NULL,
    {times},
    {check:place|(storage_key IS NULL) <> (data IS NULL) AND (store = 'db') = (data IS NOT NULL)},
    UNIQUE (store, storage_key)
);
{index:export_files|job_id};
{index:export_files|user_id};

CREATE TABLE audit_log (
    {id},
    {fk:user_id|users},
    {text:action|50} NOT NULL,
    {text:entity_type|50} NOT NULL,
    {text:entity_id|36},
    {json:before},
    {json:after},
    {text:request_id|36},
    {text:remote_address|45},
    {created}
);
-- search
CREATE INDEX audit_log_entity_type_idx ON audit_log (entity_type, entity_id, created_at);
CREATE INDEX audit_log_user_id_idx ON audit_log (user_id, created_at);

CREATE TABLE idempotency_keys (
    {uuid:key} NOT NULL,
    {fk:user_id|users} NOT NULL,
    {text:request_sha256|64} NOT NULL,
    {int:response_status} NOT NULL,
    {json:response_body} NOT NULL,
    {created},
    PRIMARY KEY (key, user_id)
);
{index:idempotency_keys|user_id};
