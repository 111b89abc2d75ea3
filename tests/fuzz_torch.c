/* SPDX-License-Identifier: MIT
 *
 * Arbitrary bytes as a file of torch.save's stream format.
 */
#include "fuzz_foreign.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size) {
    return fuzz_foreign(bytes, size, imp_foreign_torch_stream);
}
