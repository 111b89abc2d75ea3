/* SPDX-License-Identifier: MIT
 *
 * How much memory this process may use.
 */
#ifndef IMP_MEMORY_H
#define IMP_MEMORY_H

#include <stdint.h>

/* Bytes that this process can use: the machine's memory or, where one is set, what is left below a
 * limit on address space or data (ulimit -v, -d) or on a control group (containers), whichever is
 * least. UINT64_MAX: unknown. */
uint64_t imp_memory_bytes(void);

/* The least limit of the control groups, of either version, that /proc/self/cgroup names, and of
 * those above them. root: a folder that stands for "/". UINT64_MAX: none. */
uint64_t imp_memory_group_limit(const char *root);

#endif
