-- SPDX-License-Identifier: Apache-2.0
-- The ledger: periods of a claro, batches of plants, movements, reconciliations.
CREATE TABLE stock_periods (
    {id},
    {fk:storage_location_id|storage_locations} NOT NULL,
    {int:seq} NOT NULL,
    {enum:status|'open', 'closed'} NOT NULL DEFAULT 'open',
    {enum:opened_kind|'foto', 'manual_init', 'implicit'} NOT NULL,
    {ts:opened_at} NOT NULL,
    {fk:opening_session_id|photo_processing_sessions},
    {int64:opening_count} NOT NULL,
    {fk:config_id|storage_location_configs},
    {ts:closed_at},
    {enum:closed_kind|'foto', 'manual_init', 'implicit'},
    {fk:closing_session_id|photo_processing_sessions},
    {int64:closing_count},
    {times},
    {check:seq|seq >= 1},
    {check:opening_session|(opened_kind = 'foto') = (opening_session_id IS NOT NULL)},
    {check:opening_count|opening_count >= 0 AND (opened_kind <> 'implicit' OR opening_count = 0)},
    {check:closed_all|(status = 'open') = (closed_at IS NULL)
        AND (status = 'open') = (closed_kind IS NULL)
        AND (status = 'open') = (closing_count IS NULL)},
    {check:closing_session|(coalesce(closed_kind, '') = 'foto') = (closing_session_id IS NOT NULL)},
    {check:closing_count|closing_count >= 0},
    {check:closed_order|closed_at >= opened_at}
);
CREATE UNIQUE INDEX stock_periods_storage_location_id_key
    ON stock_periods (storage_location_id) WHERE status = 'open';
-- timeline; also keeps the numbers apart
CREATE UNIQUE INDEX stock_periods_storage_location_id_seq_key
    ON stock_periods (storage_location_id, seq DESC);
{index:stock_periods|opening_session_id};
{index:stock_periods|closing_session_id};
{index:stock_periods|config_id};

CREATE TABLE stock_batches (
    {id},
    {text:batch_code|50} NOT NULL UNIQUE,
    {fk:stock_period_id|stock_periods} NOT NULL,
    {fk:storage_bin_id|storage_bins} NOT NULL,
    {fk:product_id|products} NOT NULL,
    {fk:product_state_id|product_states} NOT NULL,
    {fk:product_size_id|product_sizes},
    {fk:packaging_catalog_id|packaging_catalog},
    {bool:has_packaging} NOT NULL,
    {int:plants_per_container} NOT NULL DEFAULT 1,
    {int64:quantity_initial} NOT NULL,
    {int64:quantity_current} NOT NULL,
    {int64:quantity_empty_containers} NOT NULL DEFAULT 0,
    {enum:status|'active', 'depleted', 'closed'} NOT NULL DEFAULT 'active',
    {real:quality_score},
    {date:planting_date},
    {date:germination_date},
    {date:transplant_date},
    {date:expected_ready_date},
    {fk:parent_batch_id|stock_batches},
    {fk:previous_batch_id|stock_batches},
    {long:notes},
    {json:custom_attributes} NOT NULL DEFAULT '{}',
    {times},
    {chars:batch_code|A-Z0-9-|6},
    {check:has_packaging_set|has_packaging = (packaging_catalog_id IS NOT NULL)},
    {check:plants_per_container|plants_per_container >= 1},
    {check:quantity_initial|quantity_initial > 0},
    {check:quantity_current|quantity_current >= 0},
    {check:quantity_empty_containers|quantity_empty_containers >= 0},
    {check:quality_score|quality_score >= 0 AND quality_score <= 5},
    {check:dates_planting|planting_date <= germination_date},
    {check:dates_germination|germination_date <= transplant_date},
    {check:dates_transplant|planting_date <= transplant_date}
);
-- match on inbound
CREATE INDEX stock_batches_storage_bin_id_active_idx
    ON stock_batches (storage_bin_id, product_id, product_state_id) WHERE status = 'active';
-- analytics, sales against stock
CREATE INDEX stock_batches_product_id_active_idx
    ON stock_batches (product_id, packaging_catalog_id) WHERE status = 'active';
-- oldest first
CREATE INDEX stock_batches_stock_period_id_idx
    ON stock_batches (stock_period_id, status, created_at, id);
{index:stock_batches|storage_bin_id};
{index:stock_batches|product_id};
{index:stock_batches|product_state_id};
{index:stock_batches|product_size_id};
{index:stock_batches|packaging_catalog_id};
{index:stock_batches|parent_batch_id};
{index:stock_batches|previous_batch_id};

CREATE TABLE batch_code_counters (
    {fk:storage_location_id|storage_locations} NOT NULL,
    {fk:product_id|products} NOT NULL,
    {date:code_date} NOT NULL,
    {int:last_seq} NOT NULL,
    PRIMARY KEY (storage_location_id, product_id, code_date)
);
{index:batch_code_counters|product_id};

CREATE TABLE reconciliations (
    {id},
    {fk:stock_period_id|stock_periods} NOT NULL,
    {fk:storage_location_id|storage_locations} NOT NULL,
    {fk:session_id|photo_processing_sessions},
    {fk:replaces_id|reconciliations},
    {ts:counted_at} NOT NULL,
    {text:accounting_month|7} NOT NULL,
    {enum:status|'draft', 'posted', 'accepted', 'disputed', 'void'} NOT NULL DEFAULT 'draft',
    {int64:expected_total} NOT NULL,
    {int64:observed_total} NOT NULL,
    {int64:sales_total} NOT NULL,
    {int64:loss_total} NOT NULL,
    {int64:surplus_total} NOT NULL,
    {json:flags} NOT NULL DEFAULT '[]',
    {enum:cause|'theft', 'unrecorded_death', 'unrecorded_sale', 'count_error', 'csv_error', 'timing',
        'other'},
    {long:note},
    {fk:reviewed_by_user_id|users},
    {ts:reviewed_at},
    {times},
    {check:month|accounting_month LIKE '____-__'},
    {check:totals|expected_total >= 0 AND observed_total >= 0 AND sales_total >= 0
        AND loss_total >= 0 AND surplus_total >= 0},
    {check:balance|observed_total = expected_total - sales_total - loss_total + surplus_total},
    {check:reviewed|(reviewed_by_user_id IS NULL) = (reviewed_at IS NULL)}
);
CREATE UNIQUE INDEX reconciliations_stock_period_id_key
    ON reconciliations (stock_period_id) WHERE status <> 'void';
{index:reconciliations|stock_period_id};
{index:reconciliations|storage_location_id};
{index:reconciliations|session_id};
{index:reconciliations|replaces_id};
{index:reconciliations|reviewed_by_user_id};
-- month report
CREATE INDEX reconciliations_accounting_month_idx ON reconciliations (accounting_month, status);

CREATE TABLE reconciliation_lines (
    {id},
    {fk:reconciliation_id|reconciliations|ON DELETE CASCADE} NOT NULL,
    {fk:product_id|products} NOT NULL,
    {fk:packaging_catalog_id|packaging_catalog},
    {enum:line_group|'sellable', 'nursery'} NOT NULL,
    {enum:outcome|'match', 'sale', 'loss', 'surplus', 'baseline'} NOT NULL,
    {int64:opening} NOT NULL DEFAULT 0,
    {int64:planted} NOT NULL DEFAULT 0,
    {int64:transfer_in} NOT NULL DEFAULT 0,
    {int64:transfer_out} NOT NULL DEFAULT 0,
    {int64:deaths} NOT NULL DEFAULT 0,
    {int64:logged_sales} NOT NULL DEFAULT 0,
    {int64:adjustments} NOT NULL DEFAULT 0,
    {int64:expected} NOT NULL,
    {int64:observed} NOT NULL,
    {int64:difference} NOT NULL,
    {int64:unit_price_cents},
    {check:counts|opening >= 0 AND planted >= 0 AND transfer_in >= 0 AND transfer_out >= 0
        AND deaths >= 0 AND logged_sales >= 0},
    {check:expected|expected = opening + planted + transfer_in - transfer_out - deaths
        - logged_sales + adjustments},
    {check:difference|difference = expected - observed}
);
CREATE UNIQUE INDEX reconciliation_lines_entry_key ON reconciliation_lines (reconciliation_id,
    product_id, coalesce(packaging_catalog_id, 0), line_group);
{index:reconciliation_lines|product_id};
{index:reconciliation_lines|packaging_catalog_id};

CREATE TABLE stock_movements (
    {id},
    {uuid:uuid} NOT NULL UNIQUE,
    {fk:stock_batch_id|stock_batches} NOT NULL,
    {enum:movement_type|'plantar', 'sembrar', 'transplante', 'muerte', 'ventas', 'foto', 'ajuste',
        'manual_init'} NOT NULL,
    {enum:source_type|'manual', 'ia'} NOT NULL,
    {enum:role|'regular', 'opening', 'closing', 'carry', 'correction'} NOT NULL DEFAULT 'regular',
    {int64:quantity} NOT NULL,
    {bool:is_inbound} NOT NULL,
    {fk:source_bin_id|storage_bins},
    {fk:destination_bin_id|storage_bins},
    {uuid:group_uuid},
    {fk:reverses_movement_id|stock_movements} UNIQUE,
    {fk:session_id|photo_processing_sessions},
    {fk:reconciliation_id|reconciliations},
    {int64:unit_price_cents},
    {int64:total_price_cents},
    {fk:user_id|users} NOT NULL,
    {long:reason},
    {ts:occurred_at} NOT NULL,
    {created},
    {check:quantity|quantity <> 0},
    {check:is_inbound_sign|is_inbound = (quantity > 0)},
    {check:sign|role <> 'regular' OR reverses_movement_id IS NOT NULL
        OR (movement_type NOT IN ('plantar', 'sembrar') AND movement_type NOT IN ('muerte', 'ventas'))
        OR (movement_type IN ('plantar', 'sembrar')) = (quantity > 0)},
    {check:bins|CASE WHEN movement_type = 'transplante'
        THEN source_bin_id IS NOT NULL AND destination_bin_id IS NOT NULL
        WHEN quantity > 0 THEN destination_bin_id IS NOT NULL AND source_bin_id IS NULL
        ELSE source_bin_id IS NOT NULL AND destination_bin_id IS NULL END},
    {check:role_type|role NOT IN ('opening', 'closing') OR movement_type IN ('foto', 'manual_init')},
    {check:role_sign|(role <> 'opening' OR quantity > 0) AND (role <> 'closing' OR quantity < 0)},
    {check:session|(movement_type <> 'foto' OR session_id IS NOT NULL)
        AND (movement_type <> 'manual_init' OR session_id IS NULL)},
    {check:prices|unit_price_cents >= 0 AND total_price_cents >= 0},
    {check:reason|movement_type <> 'ajuste' OR length(coalesce(reason, '')) >= 5}
);
-- history, as of
CREATE INDEX stock_movements_stock_batch_id_idx
    ON stock_movements (stock_batch_id, occurred_at, id);
-- reports, daily counts
CREATE INDEX stock_movements_occurred_at_idx ON stock_movements (occurred_at, movement_type);
{index:stock_movements|group_uuid};
{index:stock_movements|session_id};
{index:stock_movements|reconciliation_id};
{index:stock_movements|source_bin_id};
{index:stock_movements|destination_bin_id};
{index:stock_movements|user_id};

CREATE TABLE detections (
    {id},
    {fk:session_id|photo_processing_sessions|ON DELETE CASCADE} NOT NULL,
    {fk:session_segment_id|session_segments|ON DELETE CASCADE} NOT NULL,
    {fk:stock_movement_id|stock_movements},
    {fk:classification_id|classifications},
    {real:center_x_px} NOT NULL,
    {real:center_y_px} NOT NULL,
    {real:width_px} NOT NULL,
    {real:height_px} NOT NULL,
    {real:confidence} NOT NULL,
    {bool:is_empty_container} NOT NULL DEFAULT {false},
    {bool:is_alive} NOT NULL DEFAULT {true},
    {created},
    {check:size|width_px > 0 AND height_px > 0},
    {check:confidence|confidence >= 0 AND confidence <= 1}
);
{index:detections|session_id};
{index:detections|session_segment_id};
CREATE INDEX detections_stock_movement_id_idx ON detections (stock_movement_id)
    WHERE stock_movement_id IS NOT NULL;
CREATE INDEX detections_classification_id_idx ON detections (classification_id)
    WHERE classification_id IS NOT NULL;

CREATE TABLE estimations (
    {id},
    {fk:session_id|photo_processing_sessions|ON DELETE CASCADE} NOT NULL,
    {fk:session_segment_id|session_segments|ON DELETE CASCADE} NOT NULL,
    {fk:stock_movement_id|stock_movements},
    {fk:classification_id|classifications},
    {int:band},
    {json:vegetation_polygon},
    {real:detected_area_cm2} NOT NULL,
    {int:estimated_count} NOT NULL,
    {enum:calculation_method|'band_estimation', 'density_estimation', 'grid_analysis'} NOT NULL,
    {real:confidence} NOT NULL DEFAULT 0.70,
    {bool:used_density_parameters} NOT NULL,
    {created},
    {check:band|band >= 1},
    {check:detected_area_cm2|detected_area_cm2 >= 0},
    {check:estimated_count|estimated_count >= 0},
    {check:confidence|confidence >= 0 AND confidence <= 1}
);
{index:estimations|session_id};
{index:estimations|session_segment_id};
CREATE INDEX estimations_stock_movement_id_idx ON estimations (stock_movement_id)
    WHERE stock_movement_id IS NOT NULL;
CREATE INDEX estimations_classification_id_idx ON estimations (classification_id)
    WHERE classification_id IS NOT NULL;

CREATE TABLE session_adjustments (
    {id},
    {fk:session_id|photo_processing_sessions} NOT NULL,
    {fk:session_segment_id|session_segments},
    {fk:detection_id|detections},
    {enum:kind|'add_plants', 'remove_plants', 'mark_dead', 'mark_empty', 'unmark', 'set_size',
        'claro_empty'} NOT NULL,
    {int:quantity_delta} NOT NULL,
    {fk:product_size_id|product_sizes},
    {long:reason} NOT NULL,
    {fk:user_id|users} NOT NULL,
    {created},
    {check:quantity_delta|quantity_delta <> 0 OR kind IN ('set_size', 'claro_empty')},
    {check:reason|length(reason) >= 5}
);
{index:session_adjustments|session_id};
{index:session_adjustments|session_segment_id};
{index:session_adjustments|detection_id};
{index:session_adjustments|product_size_id};
{index:session_adjustments|user_id};
