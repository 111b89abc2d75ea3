/* SPDX-License-Identifier: MIT
 *
 * Arbitrary bytes as a network: they give a network with finite weights, or one line of error.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weights/network.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

/* Checks what the engine relies on. */
static void check_network(const imp_network *n) {
    size_t channels = 3, layers = 0;
    for (size_t i = 0; i < n->count; i++) {
        const imp_node *node = &n->nodes[i];
        check(node->input == (i ? i - 1 : SIZE_MAX) && imp_network_find(n, node->name) == node);
        if (node->kind == IMP_NODE_POOL)
            continue;
        const size_t count = node->conv.out * node->conv.in * node->conv.kernel * node->conv.kernel;
        check(node->conv.in == channels && node->conv.out > 0);
        for (size_t k = 0; k < count; k++)
            check(isfinite(node->weights[k]));
        channels = node->conv.out;
        check(imp_network_layer_at(n, layers++).out == channels);
    }
    check(n->count > 0 && n->nodes[n->count - 1].kind == IMP_NODE_CONV);
    check(n->info.layers == layers && n->info.deviation[1] > 0 && strlen(n->info.sha256) == 64);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size) {
    imp_network *n = NULL;
    imp_error err = {0};
    const imp_status status = imp_network_parse(&n, bytes, size, "fuzz", &err);
    check(status == err.status && (status == IMP_OK) == (n != NULL));
    if (n)
        check_network(n);
    else
        check(err.text[0] && !strpbrk(err.text, "\r\n"));
    imp_network_close(n);
    return 0;
}
