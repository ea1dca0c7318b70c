/* SPDX-License-Identifier: Apache-2.0
 *
 * Progress bar. */
#include "cmd/progress.h"

#include <string.h>
#include <unistd.h>

enum { BAR_WIDTH = 20, REDRAW_US = 100000 };

void progress_begin(struct progress *p, const struct cmd_run *r, size_t n)
{
    *p = (struct progress){.n = n, .start = dm_now()};
    p->on = n > 1 && r->general.progress && !r->general.quiet && isatty(fileno(r->err));
}

const char *progress_line(const struct progress *p, struct cmd_run *r, double elapsed_s)
{
    char bar[BAR_WIDTH + 1];
    const size_t filled = p->n ? p->done * BAR_WIDTH / p->n : BAR_WIDTH;
    memset(bar, '#', filled);
    memset(bar + filled, '.', BAR_WIDTH - filled);
    bar[BAR_WIDTH] = '\0';
    const char *line = dm_arena_printf(&r->arena, " %zu/%zu [%s] %3zu %%", p->done, p->n, bar,
                                       p->n ? p->done * 100 / p->n : 100);
    const char *rate = "";
    if (p->done > 0 && elapsed_s > 0) {
        const double each_s = elapsed_s / (double)p->done;
        const double left_s = each_s * (double)(p->n - p->done);
        rate = each_s >= 1
                   ? TF(r, SECONDS_PER_PHOTO, lang_number(&r->arena, r->lang, each_s, 1))
                   : TF(r, PHOTOS_PER_SECOND, lang_number(&r->arena, r->lang, 1 / each_s, 1));
        const char *time = p->done < p->n
                               ? TF(r, TIME_LEFT, lang_duration(&r->arena, r->lang, left_s))
                               : lang_duration(&r->arena, r->lang, elapsed_s);
        rate = dm_arena_printf(&r->arena, "   %s   %s", rate, time);
    }
    const char *failed = p->failed ? TN(r, WITH_PROBLEMS, (int64_t)p->failed) : "";
    line = dm_arena_printf(&r->arena, "%s%s%s%s", line ? line : "", rate ? rate : "",
                           *failed ? "   " : "", failed);
    return line ? line : "";
}

void progress_draw(struct progress *p, struct cmd_run *r)
{
    const dm_usec now = dm_now();
    if (!p->on || (p->last_drawn && now - p->last_drawn < REDRAW_US)) {
        return;
    }
    struct cmd_run scratch = *r; /* the words of each drawing are forgotten at once */
    scratch.arena = (struct dm_arena){0};
    p->last_drawn = now;
    (void)fprintf(r->err, "\r%s\033[K", progress_line(p, &scratch, (double)(now - p->start) / 1e6));
    (void)fflush(r->err);
    dm_arena_clear(&scratch.arena);
}

void progress_hide(struct progress *p, const struct cmd_run *r)
{
    if (p->on && p->last_drawn) {
        (void)fprintf(r->err, "\r\033[K");
        (void)fflush(r->err);
        p->last_drawn = 0;
    }
}
