/* SPDX-License-Identifier: Apache-2.0
 *
 * A counting engine made from the settings. */
#include "cmd/counter.h"

#include "base/clock.h"
#include "base/log.h"

struct nn_net_options counter_net_options(const struct cmd_run *r, const char *calibration)
{
    return (struct nn_net_options){
        .calibration = calibration,
        .precision = (enum nn_precision)r->settings.v.precision,
        .backend = settings_backends[r->settings.v.backend],
    };
}

struct opening {
    const struct cmd_run *r;
    struct counter *c;
};

static int open_model(void *ctx, size_t slot, size_t worker, struct dm_err *e)
{
    const struct opening *o = ctx;
    struct counter *c = o->c;
    (void)worker;
    if (!c->path[slot][0]) {
        return DM_OK;
    }
    const dm_usec start = dm_now();
    const struct nn_net_options options = counter_net_options(o->r, c->calibration[slot]);
    int code = nn_model_open(c->path[slot], &c->model[slot], e);
    code = code < 0 ? code : nn_net_new(c->model[slot], &options, &c->net[slot], e);
    if (code < 0) {
        (void)dm_err_context(e, "%s", c->path[slot]);
        return code;
    }
    dm_log(DM_LOG_DEBUG, "model ready", DM_S("file", c->path[slot]),
           DM_S("backend", nn_net_backend(c->net[slot])),
           DM_S("precision", nn_precision_names[nn_net_precision(c->net[slot])]),
           DM_F("ms", dm_ms_since(start)));
    return DM_OK;
}

static int check_task(struct cmd_run *r, const struct counter *c, enum models_slot slot,
                      enum nn_task task, struct dm_err *e)
{
    if (c->net[slot] && nn_net_info(c->net[slot])->task != task) {
        return cmd_fail(r, e, DM_EMODEL,
                        slot == MODELS_DETECT ? TF(r, MODEL_NOT_DETECT, c->path[slot])
                                              : TF(r, MODEL_NOT_SEGMENT, c->path[slot]));
    }
    return DM_OK;
}

int counter_open_models(struct cmd_run *r, struct counter *c, struct dm_err *e)
{
    struct opening o = {r, c};
    for (enum models_slot slot = 0; slot < MODELS_MAX_; slot++) {
        DM_TRY(models_find(r, slot, &c->path[slot], e));
        c->calibration[slot] = models_calibration(&r->arena, c->path[slot]);
    }
    DM_TRY(dm_pool_run(c->pool, MODELS_MAX_, open_model, &o, e));
    DM_TRY(check_task(r, c, MODELS_DETECT, NN_TASK_DETECT, e));
    return check_task(r, c, MODELS_SEGMENT, NN_TASK_SEGMENT, e);
}

static int open_engine(struct counter *c, struct dm_err *e)
{
    const struct vision_engine_options options = {
        .detect = c->net[MODELS_DETECT], .segment = c->net[MODELS_SEGMENT], .pool = c->pool};
    return vision_engine_new(&options, &c->engine, e);
}

int counter_open(struct cmd_run *r, struct counter *c, struct dm_err *e)
{
    DM_TRY(dm_pool_new((size_t)r->settings.v.threads, &c->pool, e));
    DM_TRY(counter_open_models(r, c, e));
    return open_engine(c, e);
}

int counter_open_engine(struct counter *c, size_t threads, struct dm_err *e)
{
    DM_TRY(dm_pool_new(threads, &c->pool, e));
    return open_engine(c, e);
}

void counter_clear(struct counter *c)
{
    vision_engine_free(c->engine);
    dm_pool_free(c->pool);
    for (int slot = 0; slot < MODELS_MAX_; slot++) {
        nn_net_free(c->net[slot]);
        nn_model_free(c->model[slot]);
    }
    *c = (struct counter){0};
}
