/* SPDX-License-Identifier: Apache-2.0
 *
 * with_s3 COMMAND...: runs a command beside an S3 server of its own with the two buckets of photos,
 * its address and keys in the variables that the program reads, and stops the server afterwards.
 * For scripts. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/s3_server.h"

static int set_variables(void)
{
    char address[64];
    (void)snprintf(address, sizeof(address), "http://127.0.0.1:%d", s3_server_port());
    return setenv("AWS_ENDPOINT_URL_S3", address, 1) || setenv("S3_FORCE_PATH_STYLE", "true", 1) ||
           setenv("S3_SSE", "none", 1) || setenv("AWS_ACCESS_KEY_ID", S3_SERVER_ACCESS, 1) ||
           setenv("AWS_SECRET_ACCESS_KEY", S3_SERVER_SECRET, 1);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr, "with_s3 COMMAND...\n");
        return 2;
    }
    s3_server_start();
    s3_server_bucket("demeter-photos-original");
    s3_server_bucket("demeter-photos-viz");
    if (set_variables()) {
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
