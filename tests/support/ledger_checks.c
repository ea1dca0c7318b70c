/* SPDX-License-Identifier: Apache-2.0
 *
 * The invariants that one claro can break, looked at in milliseconds. */
#include "support/ledger_rig.h"

/* The invariants that one claro can break, over its last two periods: rows that break one. */
#define LAST_TWO                                                                                   \
    "p.storage_location_id = ?1 AND p.seq >= (SELECT max(x.seq) - 1 FROM stock_periods x"          \
    " WHERE x.storage_location_id = ?1)"
static const struct store_query checks[] = {
    {"check.batch",
     "SELECT count(*) FROM stock_batches b JOIN stock_periods p ON p.id = b.stock_period_id "
     "WHERE " LAST_TWO " AND (b.quantity_current <> (SELECT coalesce(sum(m.quantity), 0) FROM"
     " stock_movements m WHERE m.stock_batch_id = b.id) OR b.quantity_initial <> (SELECT"
     " m.quantity FROM stock_movements m WHERE m.stock_batch_id = b.id ORDER BY m.id LIMIT 1)"
     " OR b.status <> CASE WHEN p.status = 'closed' THEN 'closed' WHEN b.quantity_current > 0"
     " THEN 'active' ELSE 'depleted' END OR (p.status = 'closed' AND b.quantity_current <> 0))",
     "i", "i", false},
    {"check.period",
     "SELECT count(*) FROM stock_periods p WHERE " LAST_TWO " AND p.opening_count <> (SELECT"
     " coalesce(sum(m.quantity), 0) FROM stock_movements m JOIN stock_batches b ON"
     " b.id = m.stock_batch_id WHERE b.stock_period_id = p.id AND (m.role = 'opening' OR"
     " (m.role = 'correction' AND m.reconciliation_id IS NULL AND (m.occurred_at = p.opened_at OR"
     " EXISTS (SELECT 1 FROM stock_movements o WHERE o.id = m.reverses_movement_id AND"
     " o.role = 'opening')))))",
     "i", "i", false},
    {"check.chain",
     "SELECT count(*) FROM stock_periods p JOIN stock_periods q ON q.storage_location_id ="
     " p.storage_location_id AND q.seq = p.seq + 1 WHERE " LAST_TWO " AND (p.status <> 'closed'"
     " OR p.closed_at <> q.opened_at OR p.closing_count <> q.opening_count)",
     "i", "i", false},
    {"check.time", /* of rows that count: a reversed one and its reversal are as if never written */
     "SELECT count(*) FROM stock_movements m JOIN stock_batches b ON b.id = m.stock_batch_id JOIN"
     " stock_periods p ON p.id = b.stock_period_id WHERE " LAST_TWO " AND m.occurred_at <"
     " p.opened_at AND m.reverses_movement_id IS NULL AND NOT EXISTS (SELECT 1 FROM"
     " stock_movements r WHERE r.reverses_movement_id = m.id)",
     "i", "i", false},
    {"check.reconciliation",
     "SELECT count(*) FROM stock_periods p JOIN reconciliations r ON r.stock_period_id = p.id AND"
     " r.status NOT IN ('void', 'draft') WHERE " LAST_TWO " AND (r.expected_total <> (SELECT"
     " sum(l.expected) FROM reconciliation_lines l WHERE l.reconciliation_id = r.id)"
     " OR r.sales_total <> -(SELECT coalesce(sum(m.quantity), 0) FROM stock_movements m JOIN"
     " stock_batches b ON b.id = m.stock_batch_id WHERE b.stock_period_id = p.id AND"
     " m.movement_type = 'ventas' AND m.reconciliation_id IS NOT NULL)"
     " OR r.loss_total - r.surplus_total <> -(SELECT coalesce(sum(m.quantity), 0) FROM"
     " stock_movements m JOIN stock_batches b ON b.id = m.stock_batch_id WHERE b.stock_period_id ="
     " p.id AND m.movement_type IN ('ajuste', 'muerte') AND m.reconciliation_id IS NOT NULL))",
     "i", "i", false},
    {"check.transplante",
     "SELECT count(*) FROM (SELECT m.group_uuid FROM stock_movements m WHERE m.group_uuid IN"
     " (SELECT g.group_uuid FROM stock_movements g JOIN stock_batches b ON"
     " b.id = g.stock_batch_id JOIN stock_periods p ON p.id = b.stock_period_id WHERE " LAST_TWO
     " AND p.status = 'open' AND g.movement_type = 'transplante')"
     " GROUP BY m.group_uuid HAVING sum(m.quantity) <> 0) x",
     "i", "i", false},
};

int64_t rig_broken(struct store *s, int64_t location, const char **ret_name)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct dm_err e = {0};
    int64_t bad = 0;
    assert_ok(store_begin(s, STORE_READ, &tx, &e), &e);
    for (size_t i = 0; i < DM_COUNT(checks) && !bad; i++) {
        assert_ok(store_int(tx, &checks[i], STORE_ARGS(store_i(location)), &bad, &e), &e);
        *ret_name = checks[i].name;
    }
    return bad;
}
