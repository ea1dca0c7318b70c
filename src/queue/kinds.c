/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of kinds of jobs and the queues they make. */
#include <string.h>

#include "queue/queue_priv.h"

static const struct queue_kind_info kinds[] = {
#define X(NAME, name, queue, priority, limit_s) [QUEUE_##NAME] = {#name, queue, priority, limit_s},
#include "queue/kinds.def"
#undef X
};
_Static_assert(QUEUE_KIND_MAX_ <= 32, "a set of kinds is 32 bits");

const struct queue_kind_info *queue_kind_info(enum queue_kind k)
{
    DM_BUG_UNLESS((size_t)k < DM_COUNT(kinds));
    return &kinds[k];
}

int queue_kind_of(const char *name, enum queue_kind *ret, struct dm_err *e)
{
    for (size_t i = 0; i < DM_COUNT(kinds); i++) {
        if (!strcmp(kinds[i].name, name)) {
            *ret = (enum queue_kind)i;
            return DM_OK;
        }
    }
    DM_FAIL(e, DM_EBADINPUT, "\"%.40s\" is no kind of job", name);
}

uint32_t queue_kinds_of(const char *const *queues, size_t n)
{
    uint32_t set = 0;
    for (size_t k = 0; k < DM_COUNT(kinds); k++) {
        for (size_t i = 0; i < n; i++) {
            set |= strcmp(kinds[k].queue, queues[i]) ? 0 : UINT32_C(1) << k;
        }
    }
    return set;
}

const char *queue_kinds_json(uint32_t set, struct dm_arena *a)
{
    const char *list = "";
    for (size_t k = 0; k < DM_COUNT(kinds) && list; k++) {
        if (set >> k & 1) {
            list = dm_arena_printf(a, "%s%s\"%s\"", list, *list ? "," : "", kinds[k].name);
        }
    }
    return list ? dm_arena_printf(a, "[%s]", list) : NULL;
}

int queue_name_check(const char *queue, struct dm_err *e)
{
    for (size_t k = 0; k < DM_COUNT(kinds); k++) {
        if (!strcmp(kinds[k].queue, queue)) {
            return DM_OK;
        }
    }
    DM_FAIL(e, DM_EBADINPUT, "\"%.40s\" is no queue", queue);
}
