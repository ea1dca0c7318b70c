/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernel knows of this process: proc(5), cgroups(7). */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "telemetry/registry.h"

#define PROC_STAT_MAX ((size_t)1 << 20) /* a line for each processor and each interrupt */

/* Up to size-1 bytes of a small file; false when it cannot be read. */
static bool read_small(const char *path, char *ret, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, ret, size - 1);
    if (fd >= 0) {
        (void)close(fd);
    }
    ret[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* Not from the clock minus the time since boot: that trembles, and a changed start is an alert. */
static double boot_time(void)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(PROC_STAT_MAX);
    bool there = dm_buf_read_file(&text, "/proc/stat", NULL) == DM_OK;
    const char *line = there ? strstr(dm_buf_str(&text), "\nbtime ") : NULL;
    return line ? strtod(line + 7, NULL) : 0;
}

static void times_and_memory(struct telemetry *t)
{
    char text[1024];
    const double ticks = (double)sysconf(_SC_CLK_TCK);
    if (!read_small("/proc/self/stat", text, sizeof(text))) {
        return;
    }
    const char *at = strrchr(text, ')'); /* the name before may hold blanks */
    uint64_t field[25] = {0};            /* as proc(5) numbers them */
    for (size_t i = 3; at && (at = strchr(at, ' ')) && i < DM_COUNT(field); i++) {
        field[i] = strtoull(++at, NULL, 10);
    }
    telemetry_set(t, TELEMETRY_PROCESS_CPU, NULL, (double)(field[14] + field[15]) / ticks);
    telemetry_set(t, TELEMETRY_PROCESS_START, NULL, boot_time() + (double)field[22] / ticks);
    telemetry_set(t, TELEMETRY_PROCESS_VIRTUAL, NULL, (double)field[23]);
    telemetry_set(t, TELEMETRY_PROCESS_RESIDENT, NULL,
                  (double)field[24] * (double)sysconf(_SC_PAGESIZE));
}

static void descriptors(struct telemetry *t)
{
    struct rlimit most;
    int n = -3; /* ".", ".." and the folder itself */
    DIR *d = opendir("/proc/self/fd");
    if (d) {
        while (readdir(d)) {
            n++;
        }
        (void)closedir(d);
        telemetry_set(t, TELEMETRY_PROCESS_FDS, NULL, n);
    }
    if (getrlimit(RLIMIT_NOFILE, &most) == 0) {
        telemetry_set(t, TELEMETRY_PROCESS_FDS_MAX, NULL, (double)most.rlim_cur);
    }
}

/* The bound of the control group as a container sees it, else the machine's memory. */
static void memory_limit(struct telemetry *t)
{
    static const char *const files[] = {"/sys/fs/cgroup/memory.max",
                                        "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    char text[64];
    double machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    double limit = machine;
    for (size_t i = 0; i < DM_COUNT(files); i++) {
        if (read_small(files[i], text, sizeof(text))) {
            double v = strtod(text, NULL); /* "max" gives 0 */
            limit = v > 0 && v < limit ? v : limit;
        }
    }
    telemetry_set(t, TELEMETRY_MEMORY_LIMIT, NULL, limit);
}

void telemetry_process(struct telemetry *t)
{
    times_and_memory(t);
    descriptors(t);
    memory_limit(t);
}
