/* SPDX-License-Identifier: Apache-2.0
 *
 * What int8 needs to know of a network: the range of values each step produced on a folder of
 * photos. Kept in a small JSON file beside the model, made by `demeter model quantize`. */
#ifndef NN_CALIBRATION_H
#define NN_CALIBRATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "nn/net.h"

struct nn_calibration {
    float (*range)[2];    /* [n] low, high of each plan step's result, real values */
    int n;                /* 0 = none */
    uint64_t fingerprint; /* of the model: another one is refused */
};

/* Read path. A missing file is DM_ENOTFOUND when required, else an empty calibration. DM_EMODEL
 * when it is damaged. ret owned by the caller. */
DM_MUST_CHECK int nn_calibration_read(const char *path, bool required, struct nn_calibration *ret,
                                      struct dm_err *e);

/* Write path, whole or not at all. */
DM_MUST_CHECK int nn_calibration_write(const char *path, const struct nn_calibration *c,
                                       struct dm_err *e);

/* ---- making one ---- */

struct nn_calibrator;

/* Runs m in f32 on the inputs added and remembers what every step produced. Borrows m. */
DM_MUST_CHECK int nn_calibrator_new(const struct nn_model *m, struct nn_calibrator **ret,
                                    struct dm_err *e);
void nn_calibrator_free(struct nn_calibrator *c); /* accepts NULL */
DM_DEFINE_CLEANUP(nn_calibrator_freep, struct nn_calibrator *, nn_calibrator_free)

/* One letterboxed input of exactly the model's exported size. */
DM_MUST_CHECK int nn_calibrator_add(struct nn_calibrator *c, const struct image *in,
                                    struct dm_err *e);

/* Ranges over all inputs so far. DM_EBADINPUT when there were none. ret owned by the caller. */
DM_MUST_CHECK int nn_calibrator_result(const struct nn_calibrator *c, struct nn_calibration *ret,
                                       struct dm_err *e);

void nn_calibration_clear(struct nn_calibration *c); /* accepts an empty one */

#endif
