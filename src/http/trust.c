/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses of proxies whose word about the client counts. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "http/server_priv.h"

/* Address as 16 bytes, IPv4 mapped into IPv6. */
static bool parse(const char *text, unsigned char ret[static 16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (inet_pton(AF_INET6, text, ret) == 1) {
        return true;
    }
    memcpy(ret, mapped, sizeof(mapped));
    return inet_pton(AF_INET, text, ret + 12) == 1;
}

static bool in_network(const char *network, const unsigned char address[static 16])
{
    char text[INET6_ADDRSTRLEN] = "";
    size_t n = strcspn(network, "/");
    if (n >= sizeof(text)) {
        return false;
    }
    memcpy(text, network, n);
    unsigned char base[16];
    if (!parse(text, base)) {
        return false;
    }
    bool v4 = strchr(text, ':') == NULL;
    int bits = network[n] == '/' ? (int)strtol(network + n + 1, NULL, 10) + (v4 ? 96 : 0) : 128;
    for (int i = 0; i < 128 && i < bits; i++) {
        int mask = 0x80 >> (i % 8);
        if ((base[i / 8] & mask) != (address[i / 8] & mask)) {
            return false;
        }
    }
    return true;
}

bool http_address_in(const char *const *networks, const char *address)
{
    unsigned char bytes[16];
    if (networks == NULL || !parse(address, bytes)) {
        return false;
    }
    for (; *networks != NULL; networks++) {
        if (in_network(*networks, bytes)) {
            return true;
        }
    }
    return false;
}
