/* SPDX-License-Identifier: Apache-2.0
 *
 * Edits with a place in the picture (product.md 2.4): plants that were missed, and plants below a
 * confidence that is set afterwards. */
#include <math.h>
#include <string.h>

#include <jansson.h>

#include "inventory/json.h"
#include "inventory/ledger_run.h"
#include "inventory/session_priv.h"

enum { POLYGONS, BELOW, ABOVE };
/* What edits have made of the detection d. */
#define NET                                                                                        \
    "(SELECT coalesce(sum(a.quantity_delta), 0) FROM session_adjustments a"                        \
    " WHERE a.detection_id = d.id)"
#define LAST                                                                                       \
    "(SELECT a.kind FROM session_adjustments a WHERE a.detection_id = d.id"                        \
    " AND a.quantity_delta <> 0 ORDER BY a.id DESC LIMIT 1)"
#define THRESHOLD_ADD                                                                              \
    "INSERT INTO session_adjustments (session_id, detection_id, kind, quantity_delta, threshold,"  \
    " reason, user_id, created_at) SELECT d.session_id, d.id, 'threshold', "
#define THRESHOLD_FROM                                                                             \
    ", ?2, ?3, ?4, ?5 FROM detections d WHERE d.session_id = ?1 AND d.is_alive"                    \
    " AND NOT d.is_empty_container AND "
static const struct store_query queries[] = {
    [POLYGONS] = {"session.polygons",
                  "SELECT id, polygon FROM session_segments WHERE session_id = ?1 ORDER BY id", "i",
                  "ij"},
    [BELOW] = {"session.below",
               THRESHOLD_ADD "-1" THRESHOLD_FROM "d.confidence < ?2 AND " NET " = 0 ORDER BY d.id",
               "irtiT", ""},
    /* what another edit took out stays out */
    [ABOVE] = {"session.above",
               THRESHOLD_ADD "1" THRESHOLD_FROM "d.confidence >= ?2 AND " NET " = -1 AND " LAST
                             " = 'threshold' ORDER BY d.id",
               "irtiT", ""},
};
STORE_QUERIES(session_boxes_queries, queries);

const char *session_box_text(const struct session_box *b, struct dm_arena *a)
{
    return dm_arena_printf(a, "[%.2f,%.2f,%.2f,%.2f]", b->center_x, b->center_y, b->width,
                           b->height);
}

static double coordinate(const json_t *ring, size_t i, size_t axis)
{
    return json_number_value(json_array_get(json_array_get(ring, i % json_array_size(ring)), axis));
}

/* Crossings of a ray to the right with the ring; twice the ring's area in *ret_area. */
static bool is_inside(const json_t *ring, double x, double y, double *ret_area)
{
    bool inside = false;
    double area = 0;
    for (size_t i = 0; i < json_array_size(ring); i++) {
        const double x1 = coordinate(ring, i, 0);
        const double y1 = coordinate(ring, i, 1);
        const double x2 = coordinate(ring, i + 1, 0);
        const double y2 = coordinate(ring, i + 1, 1);
        if ((y1 > y) != (y2 > y) && x < x1 + (y - y1) / (y2 - y1) * (x2 - x1)) {
            inside = !inside;
        }
        area += x1 * y2 - x2 * y1;
    }
    *ret_area = fabs(area);
    return inside;
}

int session_segment_at(struct work *w, int64_t session_id, double x, double y, int64_t *ret,
                       struct dm_err *e)
{
    struct store_table t;
    double least = INFINITY;
    *ret = 0;
    DM_TRY(store_all(w->tx, &queries[POLYGONS], STORE_ARGS(store_i(session_id)), &w->arena, &t, e));
    for (size_t i = 0; i < t.n; i++) {
        const struct store_value *v = store_row(&t, i);
        DM_CLEANUP(inv_json_freep) json_t *ring = json_loads(v[1].t, 0, NULL);
        double area;
        if (is_inside(ring, x, y, &area) && area < least) {
            least = area;
            *ret = v[0].i;
        }
    }
    if (!*ret) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "bin_id")),
                  "the plant stands outside every container: say in which it is");
    }
    return DM_OK;
}

int session_threshold(struct work *w, int64_t session_id, double threshold, const char *reason,
                      struct dm_err *e)
{
    const struct store_args args =
        STORE_ARGS(store_i(session_id), store_r(threshold), store_t(reason), store_i(w->c->user_id),
                   store_at(w->c->now_ms));
    DM_TRY(store_exec(w->tx, &queries[BELOW], args, NULL, e));
    return store_exec(w->tx, &queries[ABOVE], args, NULL, e);
}
