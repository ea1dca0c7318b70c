/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter doctor: everything that can be wrong before the first photo, each with its cure. A check
 * is one function and one row of the table. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/pool.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/counter.h"
#include "cmd/database.h"
#include "cmd/models.h"
#include "cmd/version.h"
#include "store/migrate.h"
#include "vision/overlay.h"

enum level { LEVEL_OK, LEVEL_WARN, LEVEL_FAIL };
static const char *const level_names[] = {"ok", "warn", "fail"};

struct doctor {
    struct cmd_run *r;
    bool json;
    size_t n[3]; /* results by level */
    const char *check;
};

/* One result. cure "" for none. */
static void say(struct doctor *d, enum level level, const char *text, const char *cure)
{
    struct cmd_run *r = d->r;
    d->n[level]++;
    if (!d->json) {
        const char *clean = dm_text_clean(text, DM_TEXT_TERMINAL, &r->arena);
        (void)fprintf(r->out, "%-5s %-10s %s\n", level_names[level], d->check, clean ? clean : "");
        if (cure[0]) {
            (void)fprintf(r->out, "%-16s %s\n", "", TF(r, CURE, cure));
        }
        return;
    }
    const char *clean = dm_text_clean(text, DM_TEXT_JSON, &r->arena);
    json_t *j = json_pack("{s:s, s:s, s:s?, s:s}", "check", d->check, "status", level_names[level],
                          "text", clean, "cure", cure);
    if (j) {
        (void)json_dumpf(j, r->out, JSON_COMPACT);
        (void)fputc('\n', r->out);
    }
    json_decref(j);
}

static void check_settings(struct doctor *d)
{
    enum { UNKNOWN_MAX = 20 };
    const char *name[UNKNOWN_MAX];
    const char *near[UNKNOWN_MAX];
    struct cmd_run *r = d->r;
    const size_t n =
        settings_unknown_env(&r->settings, r->environ, name, near, UNKNOWN_MAX, &r->arena);
    if (r->settings_error.code < 0) {
        say(d, LEVEL_FAIL, dm_err_text(&r->settings_error), T(r, CURE_SETTINGS));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        say(d, LEVEL_WARN,
            near[i][0] ? TF(r, UNKNOWN_VARIABLE_NEAR, name[i], near[i])
                       : TF(r, UNKNOWN_VARIABLE, name[i]),
            T(r, CURE_VARIABLE));
    }
    if (n == 0) {
        say(d, LEVEL_OK,
            r->config_file[0] ? TF(r, CONFIG_GOOD, r->config_file) : T(r, CONFIG_NO_FILE), "");
    }
}

static void check_cpu(struct doctor *d)
{
    struct cmd_run *r = d->r;
    const char *features = version_cpu_features(r);
    const char *text = TF(r, DOCTOR_CPU, version_cpu_name(r),
                          lang_integer(&r->arena, r->lang, (int64_t)dm_cpu_count()), features);
    bool fast = strstr(features, "avx2") || strstr(features, "asimd");
    say(d, fast ? LEVEL_OK : LEVEL_WARN, text, fast ? "" : T(r, CURE_CPU));
}

static void check_memory(struct doctor *d)
{
    struct cmd_run *r = d->r;
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(65536);
    if (dm_buf_read_file(&text, "/proc/meminfo", NULL) < 0) {
        return;
    }
    const char *line = strstr(dm_buf_str(&text), "MemAvailable:");
    if (!line) {
        return;
    }
    const double mib = strtod(line + strlen("MemAvailable:"), NULL) / 1024; /* given in KiB */
    const char *words = TF(r, DOCTOR_MEMORY, lang_number(&r->arena, r->lang, mib, 0));
    enum level level = mib < 300 ? LEVEL_FAIL : mib < 800 ? LEVEL_WARN : LEVEL_OK;
    say(d, level, words, level == LEVEL_OK ? "" : T(r, CURE_MEMORY));
}

static void say_model(struct doctor *d, const char *path, const struct nn_net *net)
{
    struct cmd_run *r = d->r;
    const struct nn_model_info *info = nn_net_info(net);
    say(d, LEVEL_OK,
        TF(r, DOCTOR_MODEL, path, TN(r, CLASSES, info->n_classes), nn_net_backend(net),
           nn_precision_names[nn_net_precision(net)]),
        "");
}

static void check_model(struct doctor *d, enum models_slot slot)
{
    struct cmd_run *r = d->r;
    DM_CLEANUP(nn_model_freep) struct nn_model *model = NULL;
    DM_CLEANUP(nn_net_freep) struct nn_net *net = NULL;
    const char *path = "";
    struct dm_err e = {0};
    int code = models_find(r, slot, &path, &e);
    if (code >= 0 && !path[0]) {
        say(d, LEVEL_WARN, T(r, DOCTOR_NO_SEGMENT), TF(r, CURE_SEGMENT, models_names[slot]));
        return;
    }
    bool found = code >= 0;
    if (found) {
        const struct nn_net_options options =
            counter_net_options(r, models_calibration(&r->arena, path));
        r->own_words = false;
        code = nn_model_open(path, &model, &e);
        code = code < 0 ? code : nn_net_new(model, &options, &net, &e);
    }
    if (code < 0) {
        const char *why = cmd_error_text(r, &e);
        say(d, LEVEL_FAIL, why, found ? TF(r, CURE_MODEL, path) : T(r, CURE_DETECT));
        return;
    }
    say_model(d, path, net);
}

static void check_detect(struct doctor *d)
{
    check_model(d, MODELS_DETECT);
}

static void check_segment(struct doctor *d)
{
    check_model(d, MODELS_SEGMENT);
}

static void check_writable(struct doctor *d)
{
    struct cmd_run *r = d->r;
    const char *tmp = settings_getenv(r->environ, "TMPDIR");
    const char *const folders[] = {".", tmp && *tmp ? tmp : "/tmp"};
    for (size_t i = 0; i < DM_COUNT(folders); i++) {
        char *path = dm_path_join(folders[i], ".demeter-doctor-XXXXXX", &r->arena);
        int fd = path ? mkstemp(path) : -1;
        if (fd >= 0) {
            (void)close(fd);
            (void)unlink(path);
            say(d, LEVEL_OK, TF(r, DOCTOR_WRITABLE, folders[i]), "");
        } else {
            say(d, LEVEL_WARN, TF(r, DOCTOR_NOT_WRITABLE, folders[i]), T(r, CURE_WRITABLE));
        }
    }
}

/* Counting photographs needs no books: that there are none is no fault. */
static void check_database(struct doctor *d)
{
    struct cmd_run *r = d->r;
    DM_CLEANUP(store_closep) struct store *s = NULL;
    struct store_schema_state state;
    struct dm_err e = {0};
    const char *url = database_url(r, DATABASE_LOOK);
    const char *shown = url ? store_url_redact(url, &r->arena) : NULL;
    int code = database_open(r, NULL, DATABASE_LOOK, &s, &e);
    if (code == DM_ENOTFOUND) {
        say(d, LEVEL_OK, TF(r, DOCTOR_NO_DATABASE, shown ? shown : ""), T(r, CURE_MIGRATE));
        return;
    }
    code = code < 0 ? code : store_schema_state(s, &state, &e);
    if (code < 0) {
        say(d, LEVEL_FAIL, dm_err_text(&e), T(r, CURE_DATABASE));
        return;
    }
    const bool current = state.applied == state.known;
    say(d, current ? LEVEL_OK : LEVEL_FAIL,
        TF(r, DOCTOR_DATABASE, shown ? shown : store_engine(s),
           lang_integer(&r->arena, r->lang, state.applied),
           lang_integer(&r->arena, r->lang, state.known)),
        current ? "" : T(r, CURE_MIGRATE));
}

static void check_font(struct doctor *d)
{
    bool has = vision_overlay_has_font();
    say(d, has ? LEVEL_OK : LEVEL_WARN, has ? T(d->r, DOCTOR_FONT) : T(d->r, DOCTOR_NO_FONT),
        has ? "" : T(d->r, CURE_FONT));
}

static void check_libraries(struct doctor *d)
{
    struct cmd_run *r = d->r;
    struct dm_library lib[VERSION_LIBRARIES_MAX];
    const size_t n = version_libraries(lib);
    const char *list = "";
    for (size_t i = 0; i < n; i++) {
        const char *longer = dm_arena_printf(&r->arena, "%s%s%s %s", list, i ? ", " : "",
                                             lib[i].name, lib[i].version);
        list = longer ? longer : list;
    }
    say(d, LEVEL_OK, list, "");
}

static const struct {
    const char *name;
    void (*run)(struct doctor *d);
} checks[] = {
    {"settings", check_settings}, {"cpu", check_cpu},         {"memory", check_memory},
    {"detect", check_detect},     {"segment", check_segment}, {"folders", check_writable},
    {"database", check_database}, {"font", check_font},       {"libraries", check_libraries},
};

struct doctor_flags {
    bool json;
};

// clang-format off
static const struct dm_opt flags[] = {
    {.name = "json", .type = DM_OPT_BOOL, .offset = DM_OPT_AT(struct doctor_flags, json),
     .def = "false", .help = "print NDJSON, one object a line"},
};
static const char *const settings[] = {"count.model_detect", "count.model_segment", "model.dir",
                                       "count.precision", "count.backend", NULL};
static const struct cmd_example examples[] = {
    {"demeter doctor", MSG_DOCTOR_EXAMPLE},
    {"demeter doctor --json", MSG_DOCTOR_EXAMPLE_JSON},
    {0},
};
// clang-format on

static int doctor_run(struct cmd_run *r, struct dm_err *e)
{
    const struct doctor_flags *f = r->flags;
    struct doctor d = {.r = r, .json = f->json};
    (void)e;
    for (size_t i = 0; i < DM_COUNT(checks); i++) {
        d.check = checks[i].name;
        checks[i].run(&d);
    }
    return d.n[LEVEL_FAIL] ? 1 : d.n[LEVEL_WARN] ? 6 : 0;
}

const struct cmd cmd_doctor = {
    .name = "doctor",
    .operands = "",
    .summary = MSG_DOCTOR_SUMMARY,
    .about = MSG_DOCTOR_ABOUT,
    .flags = flags,
    .n_flags = DM_COUNT(flags),
    .flags_size = sizeof(struct doctor_flags),
    .settings = settings,
    .examples = examples,
    .lenient = true,
    .run = doctor_run,
};
