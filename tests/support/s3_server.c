/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting and stopping the S3 server. It dies with this program. */
#include "support/s3_server.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "blob/s3_http.h"
#include "support/port.h"
#include "support/testing.h"

enum { START_MS = 60000, START_TRIES = 5 };

static struct {
    char folder[64];
    int port;
    pid_t pid, owner;
} server;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int s3_server_port(void)
{
    return server.port;
}

void s3_server_kill(void)
{
    if (server.pid) {
        (void)kill(server.pid, SIGKILL);
        (void)waitpid(server.pid, NULL, 0);
        server.pid = 0;
    }
}

static void stop(void)
{
    if (server.owner == getpid()) {
        s3_server_kill();
        (void)nftw(server.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
}

static bool try_start(void)
{
    int out[2];
    char port[12];
    char word[8] = "";
    (void)snprintf(port, sizeof(port), "%d", server.port);
    assert_int_equal(pipe(out), 0);
    server.pid = fork();
    assert_true(server.pid >= 0);
    if (server.pid == 0) {
        (void)dup2(out[1], 1);
        (void)close(out[0]);
        (void)unsetenv("LD_PRELOAD");
        (void)execl("/usr/bin/python3", "python3", S3_SERVER_SCRIPT, server.folder, port,
                    (char *)NULL);
        _exit(127);
    }
    (void)close(out[1]);
    struct pollfd p = {.fd = out[0], .events = POLLIN};
    for (size_t n = 0; n < 6 && poll(&p, 1, START_MS) == 1 && read(out[0], word + n, 1) == 1;) {
        n++;
    }
    (void)close(out[0]);
    if (!strcmp(word, "ready\n")) {
        return true;
    }
    s3_server_kill();
    return false;
}

void s3_server_start(void)
{
    bool first = !server.folder[0];
    if (server.pid) {
        return;
    }
    if (first) {
        (void)snprintf(server.folder, sizeof(server.folder), "/tmp/demeter-s3-XXXXXX");
        assert_non_null(mkdtemp(server.folder));
        server.owner = getpid();
        server.port = test_free_port();
        assert_int_equal(atexit(stop), 0);
    }
    for (int i = 0; i < START_TRIES; i++) {
        if (try_start()) {
            return;
        }
        server.port = first ? test_free_port() : server.port;
    }
    fail_msg("%s", "the S3 server does not start; scripts/deps installs it");
}

void s3_server_bucket(const char *bucket)
{
    struct dm_err e = {0};
    struct blob *b = NULL;
    char url[100];
    char endpoint[64];
    char path[100];
    (void)snprintf(url, sizeof(url), "s3:%s", bucket);
    (void)snprintf(path, sizeof(path), "/%s", bucket);
    (void)snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d", server.port);
    assert_ok(blob_open(url,
                        &(struct blob_options){.access_key = S3_SERVER_ACCESS,
                                               .secret_key = S3_SERVER_SECRET,
                                               .endpoint = endpoint,
                                               .path_style = true},
                        &b, &e),
              &e);
    struct s3_exchange x = {.method = "PUT", .path = path};
    assert_ok(s3_exchange_run(DM_CONTAINER_OF(b, struct s3_blob, base), &x, &e), &e);
    s3_exchange_clear(&x);
    blob_close(b);
}
