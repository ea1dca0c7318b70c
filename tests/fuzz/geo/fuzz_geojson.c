/* SPDX-License-Identifier: Apache-2.0
 *
 * GeoJSON: any bytes give either a polygon with sound measures that prints and reads back the same,
 * or an error with its reason. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "geo/geo.h"

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check(const struct geo_polygon *p, struct dm_arena *a)
{
    struct geo_polygon q;
    double share;
    double side;
    must(p->n >= 4 && p->n <= LIMIT_POLYGON_POSITIONS && isfinite(p->area_m2) && p->area_m2 > 0);
    must(p->box.min_lon <= p->box.max_lon && p->box.min_lat <= p->box.max_lat);
    must(isfinite(p->centroid.lon) && isfinite(p->centroid.lat));
    must(geo_outside(p, p, 0, NULL) == -1);
    must(geo_overlap_share(p, p, &share, NULL) == DM_OK && share >= 0 && share <= 1);
    must(geo_short_side_m(p, &side, NULL) == DM_OK && isfinite(side) && side >= 0);
    const char *text = geo_polygon_print(p, a);
    must(text && geo_polygon_parse(text, strlen(text), a, &q, NULL) == DM_OK);
    must(q.n == p->n && !memcmp(q.at, p->at, p->n * sizeof(*p->at)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct dm_arena a = {0};
    struct dm_err e = {0};
    struct geo_polygon p;
    const int code = geo_polygon_parse((const char *)bytes, n, &a, &p, &e);
    if (code < 0) {
        must(code == DM_EBADINPUT && e.n_fields > 0 && !strcmp(e.field[0].name, "reason"));
    } else {
        check(&p, &a);
    }
    dm_arena_clear(&a);
    return 0;
}
