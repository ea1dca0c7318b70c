/* SPDX-License-Identifier: Apache-2.0
 *
 * Which place holds a point: the table of domain.md section 5.2, on candidates that the caller read
 * from its bounding-box index. */
#include <math.h>

#include "geo/geo.h"

/* A reading with an error beyond this says nothing about its surroundings. */
#define REACH_MAX_M 200.0

double geo_reach_m(double error_m)
{
    return DM_CLAMP(error_m, GEO_NEAR_M, REACH_MAX_M);
}

/* Whether a is the better of two: nearer; at the same distance smaller; then older. */
static bool better(const struct geo_candidate *a, double a_m, const struct geo_candidate *b,
                   double b_m)
{
    if (a_m != b_m) {
        return a_m < b_m;
    }
    if (a->polygon->area_m2 != b->polygon->area_m2 && a_m == 0) {
        return a->polygon->area_m2 < b->polygon->area_m2;
    }
    return a->id < b->id;
}

struct near {
    const struct geo_candidate *c;
    double m;
};

/* Put one into the list of the best, kept in order; the worst falls out when it is full. */
static size_t insert(struct near *list, size_t n, size_t room, struct near one)
{
    size_t i = n < room ? n : room;
    while (i > 0 && better(one.c, one.m, list[i - 1].c, list[i - 1].m)) {
        if (i < room) {
            list[i] = list[i - 1];
        }
        i--;
    }
    if (i < room) {
        list[i] = one;
    }
    return n < room ? n + 1 : n;
}

int geo_find(const struct geo_candidate *c, size_t n, struct geo_point at, double error_m,
             struct geo_fix *ret, struct dm_err *e)
{
    struct near list[GEO_NEAR_MAX + 1];
    size_t n_list = 0;
    struct geo_fix fix = {.verdict = GEO_NOWHERE};
    double short_side;
    const double reach = geo_reach_m(error_m);
    for (size_t i = 0; i < n; i++) {
        const double m = geo_distance_m(c[i].polygon, at);
        if (m <= reach) {
            n_list = insert(list, n_list, DM_COUNT(list), (struct near){&c[i], m});
        }
    }
    if (n_list > 0 && list[0].m <= GEO_NEAR_M) {
        DM_TRY(geo_short_side_m(list[0].c->polygon, &short_side, e));
        fix.id = list[0].c->id;
        fix.verdict = list[0].m > 0 ? GEO_NEAR : GEO_FOUND;
        fix.verdict = error_m > short_side / 2 ? GEO_SUGGESTED : fix.verdict;
    }
    if (fix.verdict != GEO_FOUND) {
        for (size_t i = fix.id ? 1 : 0; i < n_list && fix.n_near < GEO_NEAR_MAX; i++) {
            fix.near[fix.n_near++] = list[i].c->id;
        }
    }
    *ret = fix;
    return DM_OK;
}
