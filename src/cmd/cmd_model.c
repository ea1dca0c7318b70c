/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter model: what a model file is, whether it computes right, how fast. */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/model_trial.h"
#include "cmd/models.h"
#include "nn/net.h"

struct json_flag {
    bool json;
};

// clang-format off
static const struct dm_opt json_flags[] = {
    {.name = "json", .type = DM_OPT_BOOL, .offset = DM_OPT_AT(struct json_flag, json),
     .def = "false", .help = "print NDJSON, one object a line"},
};
static const struct cmd_example info_examples[] = {
    {"demeter model info plants-detect.onnx", MSG_MODEL_INFO_EXAMPLE},
    {0},
};
static const struct cmd_example check_examples[] = {
    {"demeter model check plants-detect.onnx", MSG_MODEL_CHECK_EXAMPLE},
    {0},
};
static const struct cmd_example bench_examples[] = {
    {"demeter model bench plants-detect.onnx", MSG_MODEL_BENCH_EXAMPLE},
    {0},
};
static const char *const bench_settings[] = {"count.threads", NULL};
// clang-format on

/* ---- info ---- */

static const char *clean(struct cmd_run *r, const char *s, enum dm_text_use use)
{
    const char *text = dm_text_clean(s, use, &r->arena);
    return text ? text : "";
}

static json_t *names_json(struct cmd_run *r, const struct nn_model_info *info)
{
    json_t *list = json_array();
    for (int i = 0; i < info->n_classes; i++) {
        (void)json_array_append_new(list,
                                    json_string(clean(r, info->class_names[i], DM_TEXT_JSON)));
    }
    return list;
}

static int info_json(struct cmd_run *r, const char *path, const struct nn_model_info *info,
                     struct dm_err *e)
{
    json_t *j = json_pack(
        "{s:s, s:s, s:i, s:o, s:i, s:i, s:b, s:[i,i], s:i, s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:s}",
        "file", clean(r, path, DM_TEXT_JSON), "task",
        info->task == NN_TASK_DETECT ? "detect" : "segment", "n_classes", info->n_classes,
        "class_names", names_json(r, info), "mask_coefficients", info->n_coefs, "stride",
        info->stride, "dynamic", info->dynamic, "input", info->input_w, info->input_h, "opset",
        info->opset, "weights", info->weights_f16 ? "f16" : "f32", "parameters",
        (json_int_t)info->n_params, "multiply_adds", (json_int_t)info->macs, "ultralytics",
        clean(r, info->version, DM_TEXT_JSON), "description",
        clean(r, info->description, DM_TEXT_JSON), "author", clean(r, info->author, DM_TEXT_JSON),
        "license", clean(r, info->license, DM_TEXT_JSON), "date",
        clean(r, info->date, DM_TEXT_JSON));
    if (!j || json_dumpf(j, r->out, JSON_COMPACT) < 0) {
        json_decref(j);
        DM_FAIL(e, DM_ENOMEM, "no memory for the report");
    }
    (void)fputc('\n', r->out);
    json_decref(j);
    return DM_OK;
}

static const char *class_list(struct cmd_run *r, const struct nn_model_info *info)
{
    enum { SHOWN = 12 };
    const char *list = "";
    for (int i = 0; i < info->n_classes && i < SHOWN; i++) {
        const char *longer =
            dm_arena_printf(&r->arena, "%s%s%s", list, i ? ", " : "", info->class_names[i]);
        list = longer ? longer : list;
    }
    const char *rest = info->n_classes > SHOWN ? ", ..." : "";
    const char *all = dm_arena_printf(&r->arena, "%d (%s%s)", info->n_classes, list, rest);
    return all ? clean(r, all, DM_TEXT_TERMINAL) : "";
}

static void line(struct cmd_run *r, enum msg label, const char *value)
{
    const char *words = lang_text(r->lang, label);
    if (value && value[0]) {
        const int fill = 16 - (int)dm_text_width(words);
        (void)fprintf(r->out, "%s%*s %s\n", words, fill > 0 ? fill : 0, "",
                      clean(r, value, DM_TEXT_TERMINAL));
    }
}

static void info_text(struct cmd_run *r, const char *path, const struct nn_model_info *info)
{
    const char *input = dm_arena_printf(&r->arena, "%dx%d%s", info->input_w, info->input_h,
                                        info->dynamic ? T(r, MODEL_DYNAMIC) : "");
    const double gmacs = (double)info->macs / 1e9;
    line(r, MSG_MODEL_FILE, path);
    line(r, MSG_MODEL_TASK,
         info->task == NN_TASK_DETECT ? T(r, MODEL_TASK_DETECT) : T(r, MODEL_TASK_SEGMENT));
    line(r, MSG_MODEL_CLASSES, class_list(r, info));
    line(r, MSG_MODEL_INPUT, input);
    line(r, MSG_MODEL_WEIGHTS,
         TF(r, MODEL_WEIGHTS_TEXT, lang_integer(&r->arena, r->lang, (int64_t)info->n_params),
            info->weights_f16 ? "f16" : "f32", lang_number(&r->arena, r->lang, gmacs, 2)));
    line(r, MSG_MODEL_OPSET, lang_integer(&r->arena, r->lang, info->opset));
    line(r, MSG_MODEL_VERSION, info->version);
    line(r, MSG_MODEL_DESCRIPTION, info->description);
    line(r, MSG_MODEL_AUTHOR, info->author);
    line(r, MSG_MODEL_LICENSE, info->license);
    line(r, MSG_MODEL_DATE, info->date);
}

static int info_run(struct cmd_run *r, struct dm_err *e)
{
    const struct json_flag *f = r->flags;
    for (size_t i = 0; i < r->n_args; i++) {
        DM_CLEANUP(nn_model_freep) struct nn_model *m = NULL;
        int code = nn_model_open(r->args[i], &m, e);
        if (code < 0) {
            (void)dm_err_context(e, "%s", r->args[i]);
            return code;
        }
        if (f->json) {
            DM_TRY(info_json(r, r->args[i], nn_model_info(m), e));
        } else {
            (void)fputs(i ? "\n" : "", r->out);
            info_text(r, r->args[i], nn_model_info(m));
        }
    }
    return 0;
}

static const struct cmd info = {
    .name = "info",
    .operands = "FILE...",
    .min_args = 1,
    .max_args = -1,
    .summary = MSG_MODEL_INFO_SUMMARY,
    .about = MSG_EMPTY,
    .flags = json_flags,
    .n_flags = DM_COUNT(json_flags),
    .flags_size = sizeof(struct json_flag),
    .examples = info_examples,
    .run = info_run,
};

/* ---- check ---- */

/* Precisions a model can be asked for, in the order they are tried. */
static const enum nn_precision tried[] = {NN_PRECISION_F32, NN_PRECISION_BF16, NN_PRECISION_INT8};

static const char *scientific(struct cmd_run *r, double x)
{
    const char *s = dm_arena_printf(&r->arena, "%.1e", x);
    return s ? s : "";
}

static int print_check(struct cmd_run *r, const char *path, struct nn_net *net,
                       const struct model_trial_error *t, bool good, struct dm_err *e)
{
    const struct json_flag *f = r->flags;
    const char *precision = nn_precision_names[nn_net_precision(net)];
    if (!f->json) {
        (void)fprintf(r->out, "%-5s %s\n", good ? "ok" : "fail",
                      TF(r, MODEL_CHECK_LINE, precision, nn_net_backend(net),
                         scientific(r, t->boxes), scientific(r, t->scores), scientific(r, t->masks),
                         scientific(r, model_trial_limit(nn_net_precision(net)))));
        return DM_OK;
    }
    json_t *j =
        json_pack("{s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:b}", "file", clean(r, path, DM_TEXT_JSON),
                  "precision", precision, "backend", nn_net_backend(net), "nmse_boxes", t->boxes,
                  "nmse_scores", t->scores, "nmse_masks", t->masks, "limit",
                  model_trial_limit(nn_net_precision(net)), "ok", good);
    if (!j || json_dumpf(j, r->out, JSON_COMPACT | JSON_REAL_PRECISION(6)) < 0) {
        json_decref(j);
        DM_FAIL(e, DM_ENOMEM, "no memory for the report");
    }
    (void)fputc('\n', r->out);
    json_decref(j);
    return DM_OK;
}

/* 1 when the precision computes right, 0 when it is off or not for this processor, wrong counted.
 */
static int check_precision(struct cmd_run *r, const char *path, const struct nn_model *m,
                           const struct model_trial_oracle *oracle, const struct image *in,
                           enum nn_precision precision, size_t *wrong, struct dm_err *e)
{
    DM_CLEANUP(nn_net_freep) struct nn_net *net = NULL;
    const struct json_flag *f = r->flags;
    const struct nn_net_options options = {.precision = precision,
                                           .backend = "auto",
                                           .calibration = models_calibration(&r->arena, path)};
    struct model_trial_error trial;
    struct dm_err why = {0};
    if (nn_net_new(m, &options, &net, &why) < 0) {
        if (!f->json) {
            (void)fprintf(
                r->out, "%-5s %s\n", "-",
                TF(r, MODEL_CHECK_SKIPPED, nn_precision_names[precision], dm_err_text(&why)));
        }
        return DM_OK;
    }
    DM_TRY(model_trial_compare(oracle, net, in, &trial, e));
    const double limit = model_trial_limit(precision);
    const bool good = trial.boxes <= limit && trial.scores <= limit && trial.masks <= limit;
    *wrong += !good;
    return print_check(r, path, net, &trial, good, e);
}

static int check_file(struct cmd_run *r, const char *path, size_t *wrong, struct dm_err *e)
{
    DM_CLEANUP(nn_model_freep) struct nn_model *m = NULL;
    DM_CLEANUP(model_trial_oracle_freep) struct model_trial_oracle *oracle = NULL;
    DM_CLEANUP(image_clear) struct image in = {0};
    int w;
    int h;
    DM_TRY(nn_model_open(path, &m, e));
    model_trial_size(nn_model_info(m), &w, &h);
    DM_TRY(model_trial_image(w, h, &in, e));
    DM_TRY(model_trial_oracle_new(m, &in, &oracle, e));
    for (size_t i = 0; i < DM_COUNT(tried); i++) {
        DM_TRY(check_precision(r, path, m, oracle, &in, tried[i], wrong, e));
    }
    return DM_OK;
}

static int check_run(struct cmd_run *r, struct dm_err *e)
{
    const struct json_flag *f = r->flags;
    size_t wrong = 0;
    for (size_t i = 0; i < r->n_args; i++) {
        if (!f->json) {
            (void)fprintf(r->out, "%s\n", clean(r, r->args[i], DM_TEXT_TERMINAL));
        }
        int code = check_file(r, r->args[i], &wrong, e);
        if (code < 0) {
            (void)dm_err_context(e, "%s", r->args[i]);
            return code;
        }
    }
    return wrong ? 1 : 0;
}

static const struct cmd check = {
    .name = "check",
    .operands = "FILE...",
    .min_args = 1,
    .max_args = -1,
    .summary = MSG_MODEL_CHECK_SUMMARY,
    .about = MSG_MODEL_CHECK_ABOUT,
    .flags = json_flags,
    .n_flags = DM_COUNT(json_flags),
    .flags_size = sizeof(struct json_flag),
    .examples = check_examples,
    .run = check_run,
};

/* ---- bench ---- */

static int print_speed(struct cmd_run *r, const char *backend, struct nn_net *net,
                       const struct model_trial_speed *s, struct dm_err *e)
{
    const struct json_flag *f = r->flags;
    const char *precision = nn_precision_names[nn_net_precision(net)];
    const double gmacs = (double)nn_net_info(net)->macs / 1e9;
    if (!f->json) {
        const double ms[] = {s->alone_ms, s->shared_ms, s->each_ms};
        (void)fprintf(r->out, "%-8s %-6s", backend, precision);
        for (size_t i = 0; i < DM_COUNT(ms); i++) {
            (void)fprintf(r->out, "%12s", lang_number(&r->arena, r->lang, ms[i], 2));
        }
        (void)fprintf(r->out, "%12s\n",
                      lang_number(&r->arena, r->lang, 2 * gmacs / s->each_ms * 1000, 0));
        return DM_OK;
    }
    json_t *j =
        json_pack("{s:s, s:s, s:f, s:f, s:f, s:f}", "backend", backend, "precision", precision,
                  "one_thread_ms", s->alone_ms, "all_threads_ms", s->shared_ms,
                  "parallel_ms_per_pass", s->each_ms, "gflops", 2 * gmacs / s->each_ms * 1000);
    if (!j || json_dumpf(j, r->out, JSON_COMPACT | JSON_REAL_PRECISION(5)) < 0) {
        json_decref(j);
        DM_FAIL(e, DM_ENOMEM, "no memory for the report");
    }
    (void)fputc('\n', r->out);
    json_decref(j);
    return DM_OK;
}

static int bench_one(struct cmd_run *r, const char *path, const struct nn_model *m,
                     const char *backend, enum nn_precision precision, struct dm_pool *pool,
                     const struct image *in, struct dm_err *e)
{
    DM_CLEANUP(nn_net_freep) struct nn_net *net = NULL;
    const struct nn_net_options options = {.precision = precision,
                                           .backend = backend,
                                           .calibration = models_calibration(&r->arena, path)};
    struct model_trial_speed speed;
    if (nn_net_new(m, &options, &net, NULL) < 0) {
        return DM_OK; /* not on this processor, or not calibrated */
    }
    DM_TRY(model_trial_time(net, pool, in, &speed, e));
    DM_TRY(print_speed(r, backend, net, &speed, e));
    (void)fflush(r->out);
    return DM_OK;
}

static int bench_file(struct cmd_run *r, const char *path, struct dm_pool *pool, struct dm_err *e)
{
    DM_CLEANUP(nn_model_freep) struct nn_model *m = NULL;
    DM_CLEANUP(image_clear) struct image in = {0};
    int w;
    int h;
    DM_TRY(nn_model_open(path, &m, e));
    model_trial_size(nn_model_info(m), &w, &h);
    DM_TRY(model_trial_image(w, h, &in, e));
    for (size_t b = 0; settings_backends[b]; b++) {
        bool slow = !strcmp(settings_backends[b], "ref"); /* the oracle takes seconds a pass */
        for (size_t i = 0; i < DM_COUNT(tried) && !slow; i++) {
            DM_TRY(bench_one(r, path, m, settings_backends[b], tried[i], pool, &in, e));
        }
    }
    return DM_OK;
}

static int bench_run(struct cmd_run *r, struct dm_err *e)
{
    DM_CLEANUP(dm_pool_freep) struct dm_pool *pool = NULL;
    const struct json_flag *f = r->flags;
    DM_TRY(dm_pool_new((size_t)r->settings.v.threads, &pool, e));
    const char *threads = lang_integer(&r->arena, r->lang, (int64_t)dm_pool_size(pool));
    for (size_t i = 0; i < r->n_args; i++) {
        if (!f->json) {
            (void)fprintf(r->out, "%s\n%s\n", clean(r, r->args[i], DM_TEXT_TERMINAL),
                          TF(r, MODEL_BENCH_HEAD, threads));
        }
        int code = bench_file(r, r->args[i], pool, e);
        if (code < 0) {
            (void)dm_err_context(e, "%s", r->args[i]);
            return code;
        }
    }
    return 0;
}

static const struct cmd bench = {
    .name = "bench",
    .operands = "FILE...",
    .min_args = 1,
    .max_args = -1,
    .summary = MSG_MODEL_BENCH_SUMMARY,
    .about = MSG_MODEL_BENCH_ABOUT,
    .flags = json_flags,
    .n_flags = DM_COUNT(json_flags),
    .flags_size = sizeof(struct json_flag),
    .settings = bench_settings,
    .examples = bench_examples,
    .run = bench_run,
};

static const struct cmd *const inner[] = {&bench,
                                          &check,
                                          &cmd_model_fetch,
                                          &info,
                                          &cmd_model_install,
                                          &cmd_model_list,
                                          &cmd_model_quantize,
                                          &cmd_model_verify,
                                          NULL};

const struct cmd cmd_model = {
    .name = "model",
    .operands = "",
    .summary = MSG_MODEL_SUMMARY,
    .about = MSG_EMPTY,
    .sub = inner,
};
