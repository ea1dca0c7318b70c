/* SPDX-License-Identifier: Apache-2.0
 *
 * A counting engine made from the settings: models opened, networks prepared, threads started. */
#ifndef CMD_COUNTER_H
#define CMD_COUNTER_H

#include "base/pool.h"
#include "cmd/cmd.h"
#include "cmd/models.h"
#include "vision/vision.h"

struct counter {
    const char *path[MODELS_MAX_];        /* in the run's arena; "" = no container model */
    const char *calibration[MODELS_MAX_]; /* beside the model, whether it exists or not */
    struct nn_model *model[MODELS_MAX_];
    struct nn_net *net[MODELS_MAX_];
    struct dm_pool *pool;
    struct vision_engine *engine;
};

/* Find and open the models of the settings, side by side. c must be zeroed; call counter_clear in
 * any case. DM_ENOTFOUND, DM_EMODEL (with the path), DM_EUNSUPPORTED. */
DM_MUST_CHECK int counter_open(struct cmd_run *r, struct counter *c, struct dm_err *e);
void counter_clear(struct counter *c);

/* The same in two steps, for workers: models and networks without any thread, so that the process
 * may fork and its children share them; then, in each child, an engine with so many threads. */
DM_MUST_CHECK int counter_open_models(struct cmd_run *r, struct counter *c, struct dm_err *e);
DM_MUST_CHECK int counter_open_engine(struct counter *c, size_t threads, struct dm_err *e);

/* Options of a network as the settings say. calibration: path of its int8 file, borrowed. */
struct nn_net_options counter_net_options(const struct cmd_run *r, const char *calibration);

#endif
