/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter: counts the plants of a nursery from photographs. The command table is cmd/commands.c. */
#include "cmd/cmd.h"

int main(int argc, char **argv)
{
    return cmd_main(commands, argc, argv, environ, stdout, stderr);
}
