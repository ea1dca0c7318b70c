/* SPDX-License-Identifier: Apache-2.0
 *
 * How much room a plant takes: the parameters behind estimates of plants that were not seen, and
 * how they learn from counted photos (domain.md section 15). A nursery has some hundred rows; one
 * is looked up for each container of a photo, one may move after each posted count. */
#ifndef INVENTORY_DENSITY_H
#define INVENTORY_DENSITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/store.h"

struct inv_ctx;

#define DENSITY_AREA_MIN_CM2    0.5
#define DENSITY_AREA_MAX_CM2    10000.0
#define DENSITY_OVERLAP_MIN     0.5
#define DENSITY_OVERLAP_MAX     1.0
#define DENSITY_OVERLAP_DEFAULT 0.85
#define DENSITY_SAMPLE_MIN      30  /* detections in one container */
#define DENSITY_CONFIDENCE_MIN  0.5 /* of each */
#define DENSITY_GUARD_LOW       0.5 /* a sample outside low..high times the old value is refused */
#define DENSITY_GUARD_HIGH      2.0
#define DENSITY_PHOTOS_MIN      3 /* of a manual calibration */
#define DENSITY_PHOTOS_MAX      5

/* ---- formulas ----------------------------------------------------------------------------- */

/* 10,000 / area; sqrt(area). */
double density_per_m2(double area_cm2);
double density_diameter_cm(double area_cm2);

/* (1 - alpha) old + alpha sample. */
double density_blend(double old_value, double sample, double alpha);

/* Whether a sample may move the old value. */
bool density_guard(double old_area_cm2, double sample_cm2);

/* Factor after a validated photo: blended towards old x corrected / estimated, kept in 0.5..1.
 * estimated > 0. */
double density_factor(double old_factor, double estimated, double corrected, double alpha);

/* ---- the books ---------------------------------------------------------------------------- */

enum density_source { /* in the order of the lookup */
                      DENSITY_EXACT = 1,
                      DENSITY_CATEGORY,
                      DENSITY_ANY_BIN,
                      DENSITY_PACKAGING,
                      DENSITY_POT, /* square of the pot's diameter: square pots touch */
};

struct density {
    int64_t id; /* 0 when it comes from the pot */
    enum density_source source;
    double area_cm2, overlap;
    int64_t sample_count;
    bool locked;
};

/* What holds for plants of a product (0 = unknown) in a pot (0 = none) in a bin of this type.
 * 1 = found, 0 = nothing fits: the session needs calibration. */
DM_MUST_CHECK int density_find(struct store_tx *tx, int64_t bin_type_id, int64_t product_id,
                               int64_t packaging_id, struct density *ret, struct dm_err *e);

/* A row as a person sets it. Needs CONFIGURE. */
struct density_row {
    int64_t bin_type_id, product_id, packaging_id; /* product 0 = any, packaging 0 = none */
    double area_cm2;
    double overlap; /* 0 = as it is, DENSITY_OVERLAP_DEFAULT for a new row */
    bool locked;
    const char *notes; /* NULL = as they are */
};
/* Create the row of the key or change it. INV_VALIDATION: out of range; INV_NOT_FOUND: no such bin
 * type, product or packaging. */
DM_MUST_CHECK int density_set(const struct inv_ctx *c, const struct density_row *row,
                              int64_t *ret_id, struct dm_err *e);

/* Area from 3 to 5 reference photos with known counts: all ground over all plants. A locked row is
 * changed as well: a person says so. */
struct density_photo {
    double area_cm2;
    int64_t plants;
};
DM_MUST_CHECK int density_manual(const struct inv_ctx *c, const struct density_row *key,
                                 const struct density_photo *photo, size_t n, int64_t *ret_id,
                                 struct dm_err *e);

/* Counted photos to calibrate from: their ground is that of the session's containers. *ret_area is
 * all ground over all plants, what density_manual would set. INV_NOT_FOUND: no such session;
 * INV_INVALID_TRANSITION: it is not completed; INV_VALIDATION: its containers have no ground. */
struct density_reference {
    const char *session_uuid;
    int64_t plants; /* known */
};
DM_MUST_CHECK int density_propose(const struct inv_ctx *c, const struct density_reference *ref,
                                  size_t n, struct density_photo *ret_photo, double *ret_area_cm2,
                                  struct dm_err *e);

/* Remove a row that was never calibrated. INV_NOT_FOUND; INV_IN_USE {density_calibrations: count}:
 * the history is kept for good. */
DM_MUST_CHECK int density_remove(const struct inv_ctx *c, int64_t id, struct dm_err *e);

/* What a posted count teaches: each container with enough sure detections is one sample. Only
 * posted sessions, each once. ret_applied: samples that moved a row; ret_refused: those that were
 * only noted (guard, locked). INV_INVALID_TRANSITION: not posted. */
DM_MUST_CHECK int density_learn(const struct inv_ctx *c, int64_t session_id, int *ret_applied,
                                int *ret_refused, struct dm_err *e);

/* What a validated photo teaches about the overlap: estimates of density rows against what the
 * supervisor made of them. Each session once. INV_INVALID_TRANSITION: not validated. */
DM_MUST_CHECK int density_correct(const struct inv_ctx *c, int64_t session_id, int *ret_applied,
                                  struct dm_err *e);

extern const struct store_query_table density_queries;

#endif
