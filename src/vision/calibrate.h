/* SPDX-License-Identifier: Apache-2.0
 *
 * Calibration inputs from photos: the network must be shown what it will see when it counts. */
#ifndef VISION_CALIBRATE_H
#define VISION_CALIBRATE_H

#include "nn/calibration.h"
#include "vision/vision.h"

/* Add what counting this photo would show the model of c: its tiles for a plant detector, the whole
 * photo for a container model; at most max_inputs, evenly spread.
 *   info   of the model the calibrator was made from
 *   photo  RGB, borrowed
 *   ret    how many were added
 * Errors: DM_ENOMEM. */
DM_MUST_CHECK int vision_calibrate(struct nn_calibrator *c, const struct nn_model_info *info,
                                   const struct vision_params *p, const struct image *photo,
                                   size_t max_inputs, size_t *ret, struct dm_err *e);

#endif
