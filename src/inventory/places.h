/* SPDX-License-Identifier: Apache-2.0
 *
 * Places: codes made from names, and the claro of a photograph. Rows of places are master data
 * (inventory/master.h). */
#ifndef INVENTORY_PLACES_H
#define INVENTORY_PLACES_H

#include "inventory/inventory.h"

/* Codes of domain.md 5.1 from the names people gave, in a; NULL when out of memory.
 *   "Nave 1" -> "NAVE01"; "Sombráculo" -> "SOMBRACULO"
 *   "Claro 7" -> "C07"; "7" -> "C07"; "F2 C10" -> "F2C10" */
const char *places_warehouse_code(const char *name, struct dm_arena *a);
const char *places_location_part(const char *name, struct dm_arena *a);

/* "Cantero Norte", "Norte", "N" -> "N"; also S, E, W (Oeste), C; NULL when the name has none. */
const char *places_position(const char *name, struct dm_arena *a);

enum places_warning { PLACES_SURE, PLACES_UNCERTAIN, PLACES_NONE };
#define PLACES_SUGGESTIONS 8

/* Which claro a photo shows. */
struct places_photo {
    int64_t location_id; /* said by the person, 0 for not */
    const char *qr_code; /* read from a label or sent, NULL for none */
    bool has_gps;
    double lon, lat;
    double gps_error_m; /* negative when unknown */
};

struct places_answer {
    int64_t location_id;         /* 0: somebody has to choose */
    const char *source;          /* location_source: "explicit", "qr", "gps"; NULL with 0 */
    enum places_warning warning; /* UNCERTAIN: location_uncertain; NONE: needs_location */
    bool suggested;              /* of a coarse reading: not taken until somebody confirms */
    int64_t suggestion[PLACES_SUGGESTIONS]; /* others near, nearest first */
    size_t n_suggestion;
};

/* The table of domain.md 5.2: said place or label first, then the reading. INV_NOT_FOUND: the said
 * claro or label does not exist or is inactive. */
DM_MUST_CHECK int places_locate(struct store_tx *tx, const struct places_photo *photo,
                                struct dm_arena *a, struct places_answer *ret, struct dm_err *e);

#endif
