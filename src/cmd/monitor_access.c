/* SPDX-License-Identifier: Apache-2.0
 *
 * Name and password of the job monitor. */
#include "cmd/monitor_access.h"

#include <string.h>

int monitor_access(struct cmd_run *r, struct monitor_access *ret, struct dm_err *e)
{
    const struct settings_values *v = &r->settings.v;
    const char *colon = strchr(v->monitor_basic_auth, ':');
    *ret = (struct monitor_access){.user = v->monitor_user};
    if (v->monitor_password[0]) {
        ret->password = v->monitor_password;
        return DM_OK;
    }
    if (!v->monitor_basic_auth[0]) {
        return DM_OK;
    }
    if (!colon || colon == v->monitor_basic_auth || !colon[1]) {
        DM_FAIL(e, DM_EBADINPUT, "FLOWER_BASIC_AUTH is not user:password");
    }
    ret->user =
        dm_arena_strndup(&r->arena, v->monitor_basic_auth, (size_t)(colon - v->monitor_basic_auth));
    ret->password = colon + 1;
    return ret->user ? DM_OK : dm_err_set(e, DM_ENOMEM, __FILE__, __LINE__, "no memory for a name");
}
