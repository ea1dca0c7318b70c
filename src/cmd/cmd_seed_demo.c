/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter seed-demo: a nursery to try the program with. */
#include "base/clock.h"
#include "cmd/books.h"
#include "cmd/commands.h"
#include "inventory/seed.h"

struct seed_flags {
    bool all_detections;
    int32_t claros, months, plants, seed;
    const char *until;
};

#define AT(field) .offset = DM_OPT_AT(struct seed_flags, field)

// clang-format off
static const struct dm_opt flags[] = {
    {.name = "all_detections", .type = DM_OPT_BOOL, AT(all_detections), .def = "false",
     .help = "every plant of the last photos as a row of its own"},
    {.name = "claros", .type = DM_OPT_I32, AT(claros), .def = "1290", .min = 2, .max = 100000,
     .help = "claros; naves and canteros follow"},
    {.name = "months", .type = DM_OPT_I32, AT(months), .def = "12", .min = 1, .max = 60,
     .help = "of history"},
    {.name = "plants", .type = DM_OPT_I32, AT(plants), .def = "600000", .min = 20, .max = 1000000000,
     .help = "in stock at the end, exactly"},
    {.name = "seed", .type = DM_OPT_I32, AT(seed), .def = "1", .min = 0, .max = 2147483647,
     .help = "everything follows from it"},
    {.name = "until", .type = DM_OPT_STR, AT(until), .def = "", .unit = "YYYY-MM-DD",
     .help = "last day; today when nothing is said"},
};
static const struct cmd_example examples[] = {
    {"demeter seed-demo --plants 600000", MSG_SEED_DEMO_EXAMPLE},
    {0},
};
// clang-format on

static int seed_run(struct cmd_run *r, struct dm_err *e)
{
    const struct seed_flags *f = r->flags;
    DM_CLEANUP(books_close) struct books b = {0};
    struct seed_result made;
    struct dm_civil day;
    const dm_usec start = dm_now();
    DM_TRY(books_open(r, &b, e));
    struct seed_params p = {.plants = f->plants,
                            .seed = (uint64_t)f->seed,
                            .claros = f->claros,
                            .months = f->months,
                            .detections = f->all_detections,
                            .until_ms = b.ctx.now_ms,
                            .zone = b.zone};
    if (f->until[0]) {
        if (!dm_date_parse(f->until, &day)) {
            DM_FAIL(e, DM_EUSAGE, "--until: '%.40s' is not a day such as 2026-01-31", f->until);
        }
        day.hour = 18;
        p.until_ms = dm_zone_instant(b.zone, &day);
    }
    DM_TRY(seed_demo(b.store, &p, &made, e));
    DM_TRY(store_analyze(b.store, e));
    (void)fprintf(r->out, "%s\n",
                  TF(r, SEED_DEMO_DONE, lang_integer(&r->arena, r->lang, made.plants),
                     lang_integer(&r->arena, r->lang, made.claros),
                     lang_integer(&r->arena, r->lang, made.movements),
                     lang_integer(&r->arena, r->lang, (int64_t)(dm_ms_since(start) / 1000))));
    return 0;
}

const struct cmd cmd_seed_demo = {
    .name = "seed-demo",
    .operands = "",
    .summary = MSG_SEED_DEMO_SUMMARY,
    .about = MSG_SEED_DEMO_ABOUT,
    .flags = flags,
    .n_flags = DM_COUNT(flags),
    .flags_size = sizeof(struct seed_flags),
    .examples = examples,
    .run = seed_run,
};
