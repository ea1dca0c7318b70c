/* SPDX-License-Identifier: Apache-2.0
 *
 * A small nursery for tests of inventory/: people of every role, and short ways to make rows of
 * master data. All of it goes through the same doors as the program. */
#ifndef TESTS_SUPPORT_NURSERY_H
#define TESTS_SUPPORT_NURSERY_H

#include "inventory/inventory.h"
#include "inventory/master.h"
#include "support/db.h"

#define NURSERY_NOW INT64_C(1738335600000) /* 2025-01-31T15:00:00Z */

struct nursery {
    struct db *db;
    struct dm_zone *zone; /* of Mendoza */
    struct inv_settings settings;
    struct inv_ctx admin, supervisor, worker, viewer; /* at NURSERY_NOW */
};

/* Four people in an empty, migrated database. */
void nursery_init(struct nursery *n, struct db *db);
void nursery_clear(struct nursery *n);

/* Create a row from JSON text with "'" for '"'; its id. Fails the test when it is refused. */
int64_t nursery_make(struct nursery *n, enum master_kind kind, const char *fmt, ...)
    DM_PRINTF(3, 4);

/* The code with which the row is refused, by the admin; e (NULL allowed) says why. */
int nursery_refused(struct nursery *n, struct dm_err *e, enum master_kind kind, const char *fmt,
                    ...) DM_PRINTF(4, 5);

/* JSON from text with "'" for '"'; the caller frees. */
json_t *nursery_json(const char *fmt, ...) DM_PRINTF(1, 2);
json_t *nursery_vjson(const char *fmt, va_list ap) DM_PRINTF(1, 0);

DM_UNUSED static inline void nursery_json_freep(json_t **p)
{
    json_decref(*p);
}

/* GeoJSON of a rectangle of w x h metres whose south-west corner lies east and north metres from
 * the nursery's gate; "'" for '"'. Static, of the last 8 calls. */
const char *nursery_rectangle(double east, double north, double w, double h);
/* Longitude and latitude of such a point. */
void nursery_point(double east, double north, double *ret_lon, double *ret_lat);

/* First column, a number, of a statement without parameters. */
int64_t nursery_number(struct nursery *n, const char *sql);
/* A statement without result. */
void nursery_exec(struct nursery *n, const char *sql);

/* Nave NAVE01 (100 x 50 m), cantero NAVE01-N (40 x 20 m at 5, 5), claro NAVE01-N-C07. */
struct nursery_places {
    int64_t warehouse, area, location;
};
struct nursery_places nursery_make_places(struct nursery *n);

/* Put plants into a claro, as far as deactivation and references look: a batch in an open period,
 * written directly. Its batch. */
int64_t nursery_plants(struct nursery *n, int64_t location, int64_t product, int64_t quantity);

#endif
