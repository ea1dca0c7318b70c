/* SPDX-License-Identifier: Apache-2.0
 *
 * Trying a model out: its results against the oracle, and its speed. */
#ifndef CMD_MODEL_TRIAL_H
#define CMD_MODEL_TRIAL_H

#include "base/error.h"
#include "base/pool.h"
#include "image/image.h"
#include "nn/net.h"

/* Input side for trials of a model: its own when static, else the exported one. */
void model_trial_size(const struct nn_model_info *info, int *ret_w, int *ret_h);

/* A picture of that size that excites every layer: coloured waves and blobs, the same each time.
 * ret owned by the caller. */
DM_MUST_CHECK int model_trial_image(int w, int h, struct image *ret, struct dm_err *e);

/* Largest normalised mean square error a precision may show against the oracle: sum of squared
 * differences over sum of squares, per output row kind. Measured on YOLO11n and s: f32 stays below
 * 1e-10, bf16 near 1e-3, int8 near 1e-2; the limits are ten times that. */
double model_trial_limit(enum nn_precision p);

/* Normalised mean square errors of a network against the oracle. */
struct model_trial_error {
    double boxes, scores, masks; /* masks 0 for a detect model */
};

/* The oracle's outputs of a model for an input, made once and compared with several networks. */
struct model_trial_oracle;
DM_MUST_CHECK int model_trial_oracle_new(const struct nn_model *m, const struct image *in,
                                         struct model_trial_oracle **ret, struct dm_err *e);
void model_trial_oracle_free(struct model_trial_oracle *o); /* accepts NULL */
DM_DEFINE_CLEANUP(model_trial_oracle_freep, struct model_trial_oracle *, model_trial_oracle_free)

DM_MUST_CHECK int model_trial_compare(const struct model_trial_oracle *o, struct nn_net *net,
                                      const struct image *in, struct model_trial_error *ret,
                                      struct dm_err *e);

/* Milliseconds per forward pass, best of several. */
struct model_trial_speed {
    double alone_ms;  /* one pass, one thread */
    double shared_ms; /* one pass, all threads of the pool */
    double each_ms;   /* one pass per thread at the same time, per pass */
};
DM_MUST_CHECK int model_trial_time(struct nn_net *net, struct dm_pool *pool, const struct image *in,
                                   struct model_trial_speed *ret, struct dm_err *e);

#endif
