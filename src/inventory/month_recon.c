/* SPDX-License-Identifier: Apache-2.0
 *
 * Reconciliations for review. Accepting, disputing and reclassifying: inventory/ledger.h. */
#include <string.h>

#include "inventory/analytics_priv.h"
#include "inventory/month.h"

#define FILTER                                                                                     \
    " FROM reconciliations r JOIN storage_locations l ON l.id = r.storage_location_id"             \
    " JOIN storage_areas a ON a.id = l.storage_area_id"                                            \
    " LEFT JOIN photo_processing_sessions s ON s.id = r.session_id"                                \
    " WHERE (?1 IS NULL OR r.accounting_month = ?1) AND (?2 IS NULL OR r.status = ?2)"             \
    " AND (?3 IS NULL OR l.id = ?3) AND (?4 IS NULL OR a.warehouse_id = ?4)"                       \
    " AND (?5 IS NULL OR CAST(r.flags AS TEXT) LIKE ?5)"

enum { LIST, COUNT };

static const struct store_query queries[] = {
    [LIST] = {"recon.list",
              "SELECT r.id, l.id, l.code, s.uuid, r.counted_at, r.accounting_month, r.status,"
              " r.expected_total, r.observed_total, r.sales_total, r.loss_total, r.surplus_total,"
              " r.flags, r.cause, r.note, r.reviewed_by_user_id, r.reviewed_at" FILTER
              " ORDER BY r.counted_at DESC, r.id DESC LIMIT ?6 OFFSET ?7",
              "ttiitii", "iituTttiiiiijttiT", false},
    [COUNT] = {"recon.count", "SELECT COUNT(*)" FILTER, "ttiit", "i", false},
};
STORE_QUERIES(recon_queries, queries);

static const struct sheet_column list_columns[] = {
    {"id", "", SHEET_INT, false},
    {"storage_location_id", "", SHEET_INT, false},
    {"storage_location_code", "", SHEET_TEXT, false},
    {"session_id", "", SHEET_TEXT, false},
    {"counted_at", "", SHEET_INSTANT, false},
    {"accounting_month", "", SHEET_TEXT, false},
    {"status", "", SHEET_TEXT, false},
    {"expected_total", "", SHEET_INT, false},
    {"observed_total", "", SHEET_INT, false},
    {"sales_total", "", SHEET_INT, false},
    {"loss_total", "", SHEET_INT, false},
    {"surplus_total", "", SHEET_INT, false},
    {"flags", "", SHEET_JSON, false},
    {"cause", "", SHEET_TEXT, false},
    {"note", "", SHEET_TEXT, false},
    {"reviewed_by", "", SHEET_INT, false},
    {"reviewed_at", "", SHEET_INSTANT, false},
};
int sheet_take(struct sheet *s, const struct store_table *rows, struct dm_arena *a,
               struct dm_err *e)
{
    for (size_t i = 0; i < rows->n; i++) {
        const struct store_value *v = store_row(rows, i);
        struct sheet_cell *row = sheet_add(s, a);
        if (!row) {
            DM_FAIL(e, DM_ENOMEM, "no memory for a report");
        }
        for (size_t k = 0; k < s->n_columns; k++) {
            row[k].null = v[k].null;
            switch (v[k].null ? 0 : v[k].type) {
            case 0:
                break;
            case 'r':
                row[k].r = v[k].r;
                break;
            case 'b':
                row[k].b = v[k].b;
                break;
            case 'i':
            case 'T':
                row[k].i = v[k].i;
                break;
            default:
                row[k].t = v[k].t;
            }
        }
    }
    return DM_OK;
}

int recon_list(const struct inv_ctx *c, const struct recon_ask *ask, struct dm_arena *a,
               struct sheet **ret, int64_t *ret_total, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct store_table rows;
    DM_TRY(inv_permit(c, INV_DO_RECONCILE, e));
    const size_t per_page = ask->per_page ? ask->per_page : 50;
    const size_t page = ask->page ? ask->page : 1;
    if (per_page > 1000 || page > 1000000) {
        DM_FAIL(e, INV_VALIDATION, "a page has at most 1000 rows");
    }
    const char *flag = ask->flag ? dm_arena_printf(a, "%%\"%s\"%%", ask->flag) : NULL;
    const struct store_value filter[] = {
        store_t(ask->month),
        store_t(ask->status),
        store_ref(ask->location_id),
        store_ref(ask->warehouse_id),
        store_t(flag),
        store_i((int64_t)per_page),
        store_i((int64_t)((page - 1) * per_page)),
    };
    struct sheet *s = sheet_begin(c, "reconciliations", "Reconciliations", list_columns,
                                  DM_COUNT(list_columns), a);
    if (!s) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(store_int(tx, &queries[COUNT], (struct store_args){filter, 5}, ret_total, e));
    DM_TRY(store_all(tx, &queries[LIST], (struct store_args){filter, 7}, a, &rows, e));
    DM_TRY(sheet_take(s, &rows, a, e));
    *ret = s;
    return DM_OK;
}
