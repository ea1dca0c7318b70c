/* SPDX-License-Identifier: Apache-2.0
 *
 * Results for people: two lines for a single photo, a table for several. */
#include <string.h>

#include "base/text.h"
#include "cmd/report.h"

enum { PATH_WIDTH_MAX = 36, CONTAINERS_WIDTH = 26 };

static const char *shown(struct cmd_run *r, const char *path)
{
    const char *clean = dm_text_clean(path, DM_TEXT_TERMINAL, &r->arena);
    return clean ? clean : "?";
}

const char *report_containers(struct cmd_run *r, const struct photo_row *row)
{
    if (row->whole_photo) {
        return T(r, WHOLE_PHOTO);
    }
    static const enum msg one[] = {MSG_SEGMENT_ONE, MSG_BOX_ONE, MSG_PLUG_ONE, MSG_ALMACIGO_ONE};
    static const enum msg other[] = {MSG_SEGMENT_OTHER, MSG_BOX_OTHER, MSG_PLUG_OTHER,
                                     MSG_ALMACIGO_OTHER};
    const char *list = "";
    for (size_t t = 0; t < VISION_CONTAINER_MAX_; t++) {
        if (row->containers_by_type[t]) {
            const char *longer = dm_arena_printf(
                &r->arena, "%s%s%s", list, *list ? ", " : "",
                lang_plural(&r->arena, r->lang, one[t], other[t], row->containers_by_type[t]));
            list = longer ? longer : list;
        }
    }
    return *list ? list : T(r, NO_CONTAINERS);
}

static void pad(FILE *to, const char *s, size_t width, bool right)
{
    size_t have = dm_text_width(s);
    int fill = have < width ? (int)(width - have) : 0;
    (void)fprintf(to, "%*s%s%*s", right ? fill : 0, "", s, right ? 0 : fill, "");
}

static const char *integer(struct report *p, uint64_t n)
{
    return lang_integer(&p->r->arena, p->r->lang, (int64_t)n);
}

/* product.md section 4 */
static void print_alone(struct report *p, const struct photo_row *row)
{
    struct cmd_run *r = p->r;
    (void)fprintf(r->out, "%s   %dx%d   %s   %s\n", shown(r, row->item->path), row->w, row->h,
                  report_containers(r, row), lang_duration(&r->arena, r->lang, row->seconds));
    (void)fprintf(r->out, "  %s\n",
                  TF(r, COUNTS_LINE, integer(p, row->detected), integer(p, row->estimated),
                     integer(p, row->total), integer(p, row->empty_containers),
                     lang_number(&r->arena, r->lang, row->confidence, 2)));
}

static size_t path_width(const struct inputs *inputs)
{
    size_t width = 12;
    for (size_t i = 0; i < inputs->n && width < PATH_WIDTH_MAX; i++) {
        width = DM_MAX(width, dm_text_width(inputs->item[i].path));
    }
    return DM_MIN(width, (size_t)PATH_WIDTH_MAX);
}

/* A path that is too wide keeps its end, which tells photos apart. */
static void print_path(struct report *p, const char *path)
{
    const char *s = shown(p->r, path);
    size_t width = dm_text_width(s);
    const bool cut = width > p->path_width;
    if (cut) {
        s += dm_text_prefix(s, width - p->path_width + 1);
        (void)fputs("…", p->r->out);
    }
    pad(p->r->out, s, p->path_width - cut, false);
}

static void print_columns(struct report *p, const char *size, const char *containers,
                          const char *const numbers[static 4], const char *time)
{
    static const size_t widths[] = {12, 11, 11, 12};
    FILE *to = p->r->out;
    (void)fputc(' ', to);
    pad(to, size, 11, true);
    (void)fputs("  ", to);
    pad(to, containers, CONTAINERS_WIDTH, false);
    for (size_t i = 0; i < 4; i++) {
        pad(to, numbers[i], widths[i], true);
    }
    pad(to, time, 10, true);
    (void)fputc('\n', to);
}

static void text_begin(struct report *p)
{
    struct cmd_run *r = p->r;
    if (p->inputs->n < 2) {
        return;
    }
    p->path_width = path_width(p->inputs);
    pad(r->out, T(r, COLUMN_PHOTO), p->path_width, false);
    print_columns(p, T(r, COLUMN_SIZE), T(r, COLUMN_CONTAINERS),
                  (const char *const[]){T(r, COLUMN_DETECTED), T(r, COLUMN_ESTIMATED),
                                        T(r, COLUMN_TOTAL), T(r, COLUMN_CONFIDENCE)},
                  T(r, COLUMN_TIME));
}

static int text_photo(struct report *p, const struct photo_row *row, struct dm_err *e)
{
    struct cmd_run *r = p->r;
    (void)e;
    if (row->code >= 0 && p->inputs->n < 2) {
        print_alone(p, row);
    } else if (row->code >= 0) {
        char size[32];
        (void)snprintf(size, sizeof(size), "%dx%d", row->w, row->h);
        print_path(p, row->item->path);
        print_columns(p, size, report_containers(r, row),
                      (const char *const[]){integer(p, row->detected), integer(p, row->estimated),
                                            integer(p, row->total),
                                            lang_number(&r->arena, r->lang, row->confidence, 2)},
                      lang_duration(&r->arena, r->lang, row->seconds));
    } else if (p->inputs->n >= 2) {
        print_path(p, row->item->path);
        (void)fprintf(r->out, "  %s\n", T(r, NOT_COUNTED));
    }
    return DM_OK;
}

static void text_end(struct report *p)
{
    struct cmd_run *r = p->r;
    if (p->inputs->n < 2 || r->general.quiet) {
        return;
    }
    const char *photos = TN(r, PHOTOS, (int64_t)(p->n_done - p->n_failed));
    pad(r->out, photos, p->path_width, false);
    print_columns(p, "", "",
                  (const char *const[]){integer(p, p->detected), integer(p, p->estimated),
                                        integer(p, p->total), ""},
                  lang_duration(&r->arena, r->lang, p->seconds));
}

const struct report_format report_text = {"", false, text_begin, text_photo, text_end};
