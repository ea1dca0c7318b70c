/* SPDX-License-Identifier: Apache-2.0
 *
 * What this program is. */
#include "cmd/version.h"

#include <string.h>

#include <jansson.h>
#include <sodium.h>

#include "base/buf.h"
#include "cmd/vcs.h"
#include "geo/geo.h"
#include "image/image_libraries.h"
#include "nn/nn_libraries.h"
#include "vision/overlay.h"

const char *version_number(void)
{
    return DEMETER_VERSION;
}

const char *version_commit(void)
{
    return DEMETER_COMMIT;
}

size_t version_libraries(struct dm_library ret[static VERSION_LIBRARIES_MAX])
{
    size_t (*const rooms[])(struct dm_library ret[static DM_LIBRARIES_MAX]) = {
        image_libraries, nn_libraries, vision_libraries, geo_libraries};
    size_t n = 0;
    for (size_t i = 0; i < DM_COUNT(rooms); i++) {
        n += rooms[i](ret + n);
    }
    ret[n] = (struct dm_library){.name = "jansson"};
    (void)snprintf(ret[n].version, sizeof(ret[n].version), "%s", jansson_version_str());
    n++;
    ret[n] = (struct dm_library){.name = "libsodium"};
    (void)snprintf(ret[n].version, sizeof(ret[n].version), "%s", sodium_version_string());
    return n + 1;
}

/* Value of the first line of /proc/cpuinfo whose key is one of keys; "" when there is none. */
static const char *cpuinfo(struct cmd_run *r, const char *const *keys)
{
    enum { CPUINFO_MAX = 4 << 20 };
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(CPUINFO_MAX);
    if (dm_buf_read_file(&text, "/proc/cpuinfo", NULL) < 0) {
        return "";
    }
    for (; *keys; keys++) {
        const size_t n = strlen(*keys);
        for (const char *line = dm_buf_str(&text); *line;) {
            const size_t len = strcspn(line, "\n");
            const char *colon = memchr(line, ':', len);
            if (colon && !strncmp(line, *keys, n) && strchr(" \t:", line[n])) {
                const char *value = colon + 1 + (colon[1] == ' ');
                const char *copy = dm_arena_strndup(&r->arena, value, (size_t)(line + len - value));
                return copy ? copy : "";
            }
            line += len + (line[len] == '\n');
        }
    }
    return "";
}

const char *version_cpu_name(struct cmd_run *r)
{
    return cpuinfo(r, (const char *const[]){"model name", "Processor", "CPU part", NULL});
}

static bool has_word(const char *list, const char *word)
{
    const size_t n = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += n) {
        bool starts = at == list || at[-1] == ' ';
        if (starts && (at[n] == ' ' || at[n] == '\0')) {
            return true;
        }
    }
    return false;
}

const char *version_cpu_features(struct cmd_run *r)
{
    static const char *const wanted[] = {"sse4_1",      "avx",      "f16c",     "fma",
                                         "avx2",        "avx_vnni", "avx512f",  "avx512_vnni",
                                         "avx512_bf16", "amx_tile", "amx_bf16", "amx_int8",
                                         "asimd",       "asimddp",  "bf16",     "i8mm"};
    const char *flags = cpuinfo(r, (const char *const[]){"flags", "Features", NULL});
    const char *list = "";
    for (size_t i = 0; i < DM_COUNT(wanted); i++) {
        if (has_word(flags, wanted[i])) {
            const char *longer =
                dm_arena_printf(&r->arena, "%s%s%s", list, *list ? " " : "", wanted[i]);
            list = longer ? longer : list;
        }
    }
    return list;
}
