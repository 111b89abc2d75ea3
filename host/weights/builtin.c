/* SPDX-License-Identifier: MIT
 *
 * Embeds the built-in network through the assembler, which copies megabytes quickly.
 * IMP_BUILTIN_FILE is the file's path; CMake defines it where the file exists.
 */
#include "weights/builtin.h"

#ifdef IMP_BUILTIN_FILE

#define TEXT(x)    TEXT_OF(x)
#define TEXT_OF(x) #x
#define BYTES      TEXT(__USER_LABEL_PREFIX__) "imp_builtin_network"
#define SIZE       BYTES "_size"
#ifdef __APPLE__
#define SECTION  ".const_data\n"
#define LOCAL(x) ".private_extern " x "\n"
#define BACK     ".text\n"
#else
#define SECTION  ".pushsection .rodata\n"
#define LOCAL(x) ".hidden " x "\n"
#define BACK     ".popsection\n"
#endif

#if __SIZEOF_SIZE_T__ == 8
#define NUMBER ".quad "
#else
#define NUMBER ".long "
#endif

/* clang-format off */
__asm__(SECTION
        ".globl " BYTES "\n" LOCAL(BYTES)
        ".globl " SIZE "\n" LOCAL(SIZE)
        ".p2align 6\n"
        BYTES ":\n.incbin \"" IMP_BUILTIN_FILE "\"\n"
        "1:\n"
        ".p2align 3\n"
        SIZE ": " NUMBER "1b - " BYTES "\n"
        BACK);
/* clang-format on */

#else

const unsigned char imp_builtin_network[1] = {0};
const size_t imp_builtin_network_size = 0;

#endif
