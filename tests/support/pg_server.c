/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting and stopping PostgreSQL. It refuses to run as root, so the processes change to the user
 * postgres first. The kernel stops the server when this program dies, however it dies. */
#include "support/pg_server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "support/port.h"
#include "support/testing.h"

enum { START_MS = 60000, START_TRIES = 5, CHILDREN_MAX = 256 };

static struct {
    char folder[64], data[80], log[80];
    char bin[128];
    int port;
    pid_t pid;           /* 0 when it does not run */
    pid_t owner;         /* a forked child must not stop it */
    const char *setting; /* of pg_server_setting */
} server;

/* ---- processes ------------------------------------------------------------------------------- */

static void find_binaries(void)
{
    glob_t g = {0};
    if (glob("/usr/lib/postgresql/*/bin/postgres", 0, NULL, &g) != 0 || !g.gl_pathc) {
        fail_msg("%s", "PostgreSQL is not installed; scripts/deps does it");
    }
    const char *last = g.gl_pathv[g.gl_pathc - 1];
    (void)snprintf(server.bin, sizeof(server.bin), "%.*s", (int)(strrchr(last, '/') - last), last);
    globfree(&g);
}

/* In a child: become the user who may run the server, and die with the parent. */
static void drop_rights(pid_t parent)
{
    const struct passwd *pw = geteuid() == 0 ? getpwnam("postgres") : NULL;
    if (pw && (setgroups(0, NULL) || setgid(pw->pw_gid) || setuid(pw->pw_uid))) {
        _exit(126);
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (getppid() != parent) {
        _exit(126);
    }
}

static pid_t spawn(const char *const argv[])
{
    pid_t parent = getpid();
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        drop_rights(parent);
        int log = open(server.log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        int null = open("/dev/null", O_RDONLY);
        if (log < 0 || null < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0 ||
            chdir(server.folder)) {
            _exit(126);
        }
        (void)unsetenv("LD_PRELOAD");
        (void)execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    return pid;
}

static void print_log(void)
{
    char line[512];
    FILE *f = fopen(server.log, "r");
    while (f && fgets(line, sizeof(line), f)) {
        print_error("%s", line);
    }
    if (f) {
        (void)fclose(f);
    }
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void stop(void)
{
    if (server.owner != getpid()) {
        return;
    }
    if (server.pid) {
        (void)kill(server.pid, SIGQUIT);
        (void)waitpid(server.pid, NULL, 0);
    }
    (void)nftw(server.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- data folder ----------------------------------------------------------------------------- */

/* Memory instead of a disk where there is plenty: making a database is four times as fast. */
static const char *place(void)
{
    struct statvfs fs;
    bool roomy =
        statvfs("/dev/shm", &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize > (UINT64_C(2) << 30);
    return roomy && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

/* Folders of programs that were killed before they could clean up. */
static void remove_stale(const char *where)
{
    char pattern[64];
    glob_t g = {0};
    (void)snprintf(pattern, sizeof(pattern), "%s/demeter-pg-*", where);
    if (glob(pattern, 0, NULL, &g) == 0) {
        for (size_t i = 0; i < g.gl_pathc; i++) {
            pid_t owner = (pid_t)strtol(g.gl_pathv[i] + strlen(pattern) - 1, NULL, 10);
            if (owner > 0 && kill(owner, 0) < 0 && errno == ESRCH) {
                (void)nftw(g.gl_pathv[i], remove_entry, 16, FTW_DEPTH | FTW_PHYS);
            }
        }
        globfree(&g);
    }
}

static void make_data(void)
{
    char program[160];
    find_binaries();
    remove_stale(place());
    (void)snprintf(server.folder, sizeof(server.folder), "%s/demeter-pg-%d-XXXXXX", place(),
                   (int)getpid());
    assert_non_null(mkdtemp(server.folder));
    server.owner = getpid();
    assert_int_equal(atexit(stop), 0);
    const struct passwd *pw = geteuid() == 0 ? getpwnam("postgres") : NULL;
    if (pw) {
        assert_int_equal(chown(server.folder, pw->pw_uid, pw->pw_gid), 0);
    }
    (void)snprintf(server.data, sizeof(server.data), "%s/data", server.folder);
    (void)snprintf(server.log, sizeof(server.log), "%s/log", server.folder);
    (void)snprintf(program, sizeof(program), "%s/initdb", server.bin);
    const char *const argv[] = {
        program, "-D", server.data, "-U",        "demeter",          "-A",
        "trust", "-E", "UTF8",      "--no-sync", "--locale=C.UTF-8", "--no-instructions",
        NULL};
    int status = 0;
    pid_t pid = spawn(argv);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status) {
        print_log();
        fail_msg("initdb failed with status %d", status);
    }
}

/* ---- server ---------------------------------------------------------------------------------- */

static void pause_ms(long ms)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* Until it answers. false when it ended instead: another program was faster to take the port. */
static bool wait_ready(void)
{
    char url[128];
    pg_server_url("postgres", url, sizeof(url));
    dm_usec begin = dm_now();
    while (dm_ms_since(begin) < START_MS) {
        if (waitpid(server.pid, NULL, WNOHANG) == server.pid) {
            server.pid = 0;
            return false;
        }
        if (PQping(url) == PQPING_OK) {
            return true;
        }
        pause_ms(5);
    }
    print_log();
    fail_msg("PostgreSQL does not answer after %d ms", START_MS);
    return false;
}

static bool try_start(void)
{
    char program[160];
    char port[16];
    (void)snprintf(program, sizeof(program), "%s/postgres", server.bin);
    (void)snprintf(port, sizeof(port), "%d", server.port);
    const char *const argv[] = {program,
                                "-D",
                                server.data,
                                "-p",
                                port,
                                "-k",
                                server.folder,
                                "-c",
                                "listen_addresses=127.0.0.1",
                                "-c",
                                "fsync=off",
                                "-c",
                                "full_page_writes=off",
                                "-c",
                                "shared_buffers=32MB",
                                "-c",
                                "max_connections=120",
                                "-c",
                                "autovacuum=off",
                                "-c",
                                "log_min_messages=fatal",
                                "-c",
                                "deadlock_timeout=100ms",
                                server.setting ? "-c" : NULL,
                                server.setting,
                                NULL};
    server.pid = spawn(argv);
    return wait_ready();
}

void pg_server_setting(const char *setting)
{
    server.setting = setting;
}

void pg_server_start(void)
{
    if (server.pid) {
        return;
    }
    if (!server.folder[0]) {
        make_data();
        server.port = test_free_port();
    }
    for (int i = 0; i < START_TRIES; i++) {
        if (try_start()) {
            return;
        }
        server.port = test_free_port();
    }
    print_log();
    fail_msg("%s", "PostgreSQL does not start");
}

static bool is_child(const char *pid_name, pid_t parent)
{
    char path[64];
    char text[512] = "";
    (void)snprintf(path, sizeof(path), "/proc/%.20s/stat", pid_name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0) {
        (void)close(fd);
    }
    const char *after_name = n > 0 ? strrchr(text, ')') : NULL;
    return after_name && strlen(after_name) > 4 && strtol(after_name + 4, NULL, 10) == parent;
}

void pg_server_kill(void)
{
    pid_t child[CHILDREN_MAX];
    size_t n = 0;
    assert_true(server.pid > 0);
    assert_int_equal(kill(server.pid, SIGSTOP), 0); /* no new children while they are listed */
    DIR *proc = opendir("/proc");
    assert_non_null(proc);
    for (struct dirent *d; (d = readdir(proc)) && n < CHILDREN_MAX;) {
        if (d->d_name[0] >= '1' && d->d_name[0] <= '9' && is_child(d->d_name, server.pid)) {
            child[n++] = (pid_t)strtol(d->d_name, NULL, 10);
        }
    }
    (void)closedir(proc);
    (void)kill(server.pid, SIGKILL);
    for (size_t i = 0; i < n; i++) {
        (void)kill(child[i], SIGKILL);
    }
    (void)waitpid(server.pid, NULL, 0);
    for (size_t i = 0; i < n; i++) { /* they hold the shared memory until they are gone */
        while (kill(child[i], 0) == 0) {
            pause_ms(2);
        }
    }
    server.pid = 0;
}

void pg_server_url(const char *database, char *ret, size_t n)
{
    (void)snprintf(ret, n, "postgresql://demeter@127.0.0.1:%d/%s", server.port, database);
}
