/* SPDX-License-Identifier: Apache-2.0
 *
 * Where model files are looked for. */
#include "cmd/models.h"

#include <string.h>
#include <unistd.h>

#include "base/text.h"

const char *const models_names[MODELS_MAX_] = {
    [MODELS_DETECT] = "plants-detect.onnx",
    [MODELS_SEGMENT] = "containers-segment.onnx",
};

/* Folder of the running program, "" when the system does not say. */
static const char *program_folder(struct cmd_run *r)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
    const char *slash = n > 0 ? memrchr(path, '/', (size_t)n) : NULL;
    const char *dir = slash ? dm_arena_strndup(&r->arena, path, (size_t)(slash - path)) : NULL;
    return dir ? dir : "";
}

const char *const *models_folders(struct cmd_run *r)
{
    const char **list = dm_arena_calloc(&r->arena, 5, sizeof(*list));
    size_t n = 0;
    if (!list) {
        return NULL;
    }
    if (r->settings.v.model_dir[0]) {
        list[n++] = r->settings.v.model_dir;
    }
    const char *beside = program_folder(r);
    if (beside[0]) {
        list[n] = dm_path_join(beside, "../share/demeter/models", &r->arena);
        n += list[n] != NULL;
    }
    list[n++] = DEMETER_DATADIR "/models";
    list[n++] = "./models";
    return list;
}

/* name in the first folder that has it; NULL when none has. */
static const char *in_folders(struct cmd_run *r, const char *name)
{
    const char *const *dirs = models_folders(r);
    for (; dirs && *dirs; dirs++) {
        const char *path = dm_path_join(*dirs, name, &r->arena);
        if (path && !access(path, F_OK)) {
            return path;
        }
    }
    return NULL;
}

/* "yolo11m.pt" -> "yolo11m.onnx"; other names as they are. */
static const char *as_onnx(struct cmd_run *r, const char *name)
{
    size_t n = strlen(name);
    if (n < 3 || strcmp(name + n - 3, ".pt") != 0) {
        return name;
    }
    const char *renamed = dm_arena_printf(&r->arena, "%.*s.onnx", (int)(n - 3), name);
    return renamed ? renamed : name;
}

const char *models_calibration(struct dm_arena *a, const char *model)
{
    return dm_arena_printf(a, "%s.int8.json", model);
}

static const char *folder_list(struct cmd_run *r)
{
    const char *list = "";
    const char *const *dirs = models_folders(r);
    for (size_t i = 0; dirs && dirs[i]; i++) {
        const char *longer = dm_arena_printf(&r->arena, "%s%s%s", list, i ? ", " : "", dirs[i]);
        list = longer ? longer : list;
    }
    return list;
}

int models_find(struct cmd_run *r, enum models_slot slot, const char **ret, struct dm_err *e)
{
    const bool detect = slot == MODELS_DETECT;
    const char *given = detect ? r->settings.v.model_detect : r->settings.v.model_segment;
    if (!detect && !strcmp(given, "none")) {
        *ret = "";
        return DM_OK;
    }
    const char *name = given[0] ? as_onnx(r, given) : models_names[slot];
    const char *found = given[0] && !access(name, F_OK) ? name : in_folders(r, name);
    if (found) {
        *ret = found;
        return DM_OK;
    }
    if (given[0]) {
        return cmd_fail(r, e, DM_ENOTFOUND, TF(r, MODEL_NOT_THERE, name, folder_list(r)));
    }
    if (detect) {
        return cmd_fail(r, e, DM_ENOTFOUND, TF(r, NO_DETECT_MODEL, name, folder_list(r)));
    }
    *ret = "";
    return DM_OK;
}
