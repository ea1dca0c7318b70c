/* SPDX-License-Identifier: Apache-2.0
 *
 * with_postgresql COMMAND...: runs a command beside a PostgreSQL server of its own, whose empty
 * database "demeter" is in $POSTGRESQL_TEST_URL, and stops the server afterwards. For scripts. */
#include <libpq-fe.h>
#include <sys/wait.h>

#include "support/pg_server.h"
#include "support/testing.h"

static int make_database(void)
{
    char url[128];
    pg_server_url("postgres", url, sizeof(url));
    PGconn *c = PQconnectdb(url);
    PGresult *r = PQexec(c, "CREATE DATABASE demeter TEMPLATE template0");
    int made = PQresultStatus(r) == PGRES_COMMAND_OK;
    PQclear(r);
    PQfinish(c);
    pg_server_url("demeter", url, sizeof(url));
    return made && setenv("POSTGRESQL_TEST_URL", url, 1) == 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr, "with_postgresql COMMAND...\n");
        return 2;
    }
    pg_server_start();
    if (!make_database()) {
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
