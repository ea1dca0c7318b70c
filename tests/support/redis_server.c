/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting and stopping redis-server. It dies with this program. */
#include "support/redis_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "support/port.h"
#include "support/testing.h"

enum { START_MS = 20000, START_TRIES = 5 };

static struct {
    char folder[64];
    int port, tls_port;
    pid_t pid, owner;
} server;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void redis_server_kill(void)
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
        redis_server_kill();
        (void)nftw(server.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
}

static redisContext *connect_to(void)
{
    redisContext *c =
        redisConnectWithTimeout("127.0.0.1", server.port, (struct timeval){.tv_sec = 5});
    if (c && !c->err) {
        redisReply *r = redisCommand(c, "AUTH %s", REDIS_SERVER_PASSWORD);
        bool ok = r && r->type == REDIS_REPLY_STATUS;
        if (r) {
            freeReplyObject(r);
        }
        if (ok) {
            return c;
        }
    }
    if (c) {
        redisFree(c);
    }
    return NULL;
}

static bool wait_ready(void)
{
    for (dm_usec begin = dm_now(); dm_ms_since(begin) < START_MS;) {
        redisContext *c = connect_to();
        if (c) {
            redisFree(c);
            return true;
        }
        if (waitpid(server.pid, NULL, WNOHANG) == server.pid) {
            server.pid = 0;
            return false;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return false;
}

/* A certificate for 127.0.0.1 that signs itself: NAME.key, NAME.crt in the folder. */
static void make_certificate(const char *name)
{
    char key[100];
    char crt[100];
    int status = 0;
    (void)snprintf(key, sizeof(key), "%s/%s.key", server.folder, name);
    (void)snprintf(crt, sizeof(crt), "%s/%s.crt", server.folder, name);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        if (null < 0 || dup2(null, 2) < 0) {
            _exit(127);
        }
        (void)unsetenv("LD_PRELOAD");
        (void)execlp("openssl", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                     "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                     "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key,
                     "-out", crt, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static bool try_start(void)
{
    char port[12];
    char tls_port[12];
    char key[100];
    char crt[100];
    pid_t parent = getpid();
    (void)snprintf(port, sizeof(port), "%d", server.port);
    (void)snprintf(tls_port, sizeof(tls_port), "%d", server.tls_port);
    (void)snprintf(key, sizeof(key), "%s/server.key", server.folder);
    (void)snprintf(crt, sizeof(crt), "%s/server.crt", server.folder);
    server.pid = fork();
    assert_true(server.pid >= 0);
    if (server.pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        int null = open("/dev/null", O_RDWR);
        if (getppid() != parent || null < 0 || dup2(null, 1) < 0) {
            _exit(127);
        }
        (void)unsetenv("LD_PRELOAD");
        (void)execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir",
                     server.folder, "--save", "", "--requirepass", REDIS_SERVER_PASSWORD,
                     "--maxmemory-policy", "allkeys-lru", "--tls-port", tls_port, "--tls-cert-file",
                     crt, "--tls-key-file", key, "--tls-ca-cert-file", crt, "--tls-auth-clients",
                     "no", (char *)NULL);
        _exit(127);
    }
    return wait_ready();
}

void redis_server_start(void)
{
    bool first = !server.folder[0];
    if (server.pid) {
        return;
    }
    if (first) {
        (void)snprintf(server.folder, sizeof(server.folder), "/tmp/demeter-redis-XXXXXX");
        assert_non_null(mkdtemp(server.folder));
        server.owner = getpid();
        server.port = test_free_port();
        server.tls_port = test_free_port();
        assert_int_equal(atexit(stop), 0);
        make_certificate("server");
        make_certificate("other");
    }
    for (int i = 0; i < START_TRIES; i++) {
        if (try_start()) {
            return;
        }
        redis_server_kill();
        server.port = first ? test_free_port() : server.port;
        server.tls_port = first ? test_free_port() : server.tls_port;
    }
    fail_msg("%s", "redis-server does not start; scripts/deps installs it");
}

void redis_server_url(char *ret, size_t n)
{
    (void)snprintf(ret, n, "redis://:s3cret%%2Fpass%%25@127.0.0.1:%d/1", server.port);
}

void redis_server_tls_url(const char *authority, char *ret, size_t n)
{
    (void)snprintf(ret, n, "rediss://:s3cret%%2Fpass%%25@127.0.0.1:%d/1?cacert=%s/%s.crt",
                   server.tls_port, server.folder, authority);
}

long long redis_server_do(const char *const *words)
{
    int argc = 0;
    const char *argv[16];
    redisContext *c = connect_to();
    assert_non_null(c);
    freeReplyObject(redisCommand(c, "SELECT 1"));
    for (; words[argc]; argc++) {
        argv[argc] = words[argc];
    }
    redisReply *r = redisCommandArgv(c, argc, argv, NULL);
    assert_non_null(r);
    long long answer = r->type == REDIS_REPLY_INTEGER ? r->integer : -1;
    freeReplyObject(r);
    redisFree(c);
    return answer;
}
