-- SPDX-License-Identifier: Apache-2.0
-- Sums of a batch's movements (stock as of a date, month report) out of the index alone: a third of
-- the month report's time where the file is larger than the caches.
DROP INDEX stock_movements_stock_batch_id_idx;
CREATE INDEX stock_movements_stock_batch_id_idx
    ON stock_movements (stock_batch_id, occurred_at, id, quantity);
