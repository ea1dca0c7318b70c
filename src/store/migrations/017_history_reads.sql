-- SPDX-License-Identifier: Apache-2.0
-- What stood at an instant: the few periods that were open then, without a look at all of them.
CREATE INDEX stock_periods_closed_at_idx ON stock_periods (closed_at, opened_at);
--@sqlite
-- Which batches a period has, of what, and the movements of a month, out of the index alone: rows of
-- both tables lie far apart, and with ten times the stock each was read past the processor's caches.
DROP INDEX stock_batches_stock_period_id_idx;
CREATE INDEX stock_batches_stock_period_id_idx ON stock_batches (stock_period_id, status,
    created_at, id, product_id, packaging_catalog_id, storage_bin_id);
DROP INDEX stock_movements_occurred_at_idx;
CREATE INDEX stock_movements_occurred_at_idx ON stock_movements (occurred_at, movement_type,
    stock_batch_id, quantity, role, reconciliation_id, reverses_movement_id);
--@both
