/* SPDX-License-Identifier: Apache-2.0
 *
 * Rounding of weights to the numbers a precision can multiply, without a shift of the sums.
 *
 * The taps of one kernel look at neighbouring pixels, which are nearly equal: what counts of their
 * rounding errors is their sum. Rounded one by one, nine errors add up to a gain that is wrong for
 * every pixel of a smooth area; carried from tap to tap (error diffusion: Floyd and Steinberg, "An
 * adaptive algorithm for spatial grey scale", 1976, along a line) less than half a step is left.
 * Measured with YOLO11n in bf16 on the tiles of 23 pictures: 791 boxes of f32's 795 instead of 782,
 * and half the mean error of the heads (docs/decisions/012-kernels.md). */
#ifndef NN_DIFFUSE_H
#define NN_DIFFUSE_H

#include "nn/backend.h"

/* Replace d->weight by weights that d->compute represents exactly: BF16, or multiples of the output
 * channel's int8 scale, which keeps its largest weight and so its scale. Weights for the U8 picture
 * are on the grid once d->src_scale, which they take into themselves, is multiplied in.
 *   ret  what d->weight points to from now on, free with dm_free; NULL when d needs no rounding
 * (F32) DM_ENOMEM leaves d as it was. Threads: reentrant. */
DM_MUST_CHECK int nn_weights_diffuse(struct nn_conv_desc *d, float **ret, struct dm_err *e);

#endif
