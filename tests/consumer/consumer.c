/* SPDX-License-Identifier: MIT
 *
 * Valid C and C++: the built-in network is there, and has layers.
 */
#include <impasto.h>

int main(void) {
    imp_error error = {IMP_OK, ""};
    imp_network *network = NULL;
    imp_network_info info;
    if (imp_network_open(&network, "builtin", &error) != IMP_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    imp_network_describe(network, &info);
    imp_network_close(network);
    printf("impasto %s, %zu layers\n", imp_version(), info.layers);
    return info.layers == 0;
}
