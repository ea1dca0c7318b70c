/* SPDX-License-Identifier: Apache-2.0
 *
 * Every report by its name, with parameters as people write them: what `demeter export` and the
 * export routes call. */
#ifndef INVENTORY_REPORTS_H
#define INVENTORY_REPORTS_H

#include "inventory/inventory.h"
#include "inventory/sheet.h"
#include "store/store.h"

/* "claros", "daily", "density"...; NULL-ended, sorted. */
extern const char *const report_names[];

/* Texts are as typed; NULL and "" mean not given. */
struct report_ask {
    const char *name;
    const char *group;     /* "warehouse,product": up to three; NULL = the report's own */
    const char *warehouse; /* code: only this nave */
    const char *from, *to; /* days, both included; movements, mortality, daily: the last 30 days */
    const char *at;        /* day: stock_at, at its end */
    const char *month;     /* "2026-01": month, reconciliations; the month now by default */
    bool polygons;         /* claros: with their shapes, for GeoJSON */
};

/* Needs EXPORT, and what the report itself asks for. INV_VALIDATION: no such report, grouping, day
 * or month; INV_NOT_FOUND: no such nave; INV_EMPTY_FILTER_RESULT: no rows. */
DM_MUST_CHECK int report_run(const struct inv_ctx *c, const struct report_ask *ask,
                             struct dm_arena *a, struct sheet **ret, struct dm_err *e);

extern const struct store_query_table reports_queries;

#endif
