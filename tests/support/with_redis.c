/* SPDX-License-Identifier: Apache-2.0
 *
 * with_redis COMMAND...: runs a command beside a Redis server of its own, whose address is in
 * REDIS_URL, and stops the server afterwards. For scripts. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/redis_server.h"

int main(int argc, char **argv)
{
    char url[200];
    if (argc < 2) {
        (void)fprintf(stderr, "with_redis COMMAND...\n");
        return 2;
    }
    redis_server_start();
    redis_server_url(url, sizeof(url));
    if (setenv("REDIS_URL", url, 1)) {
        return 1;
    }
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        (void)execvp(argv[1], argv + 1);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        return 1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
