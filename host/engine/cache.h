/* SPDX-License-Identifier: MIT
 *
 * The cache folder: $IMPASTO_CACHE, else $XDG_CACHE_HOME/impasto, else ~/.cache/impasto. What lies
 * there can be made again, so nothing here is an error: what cannot be read is absent, what cannot
 * be written is made again next time.
 */
#ifndef IMP_CACHE_H
#define IMP_CACHE_H

#include <stdbool.h>
#include <stddef.h>

/* The path of an entry; false when there is no such folder, none can be made, or it is too long. */
bool imp_cache_path(char *path, size_t size, const char *name);

/* The bytes of an entry, with a 0 behind them; NULL where there is none. The caller frees. */
unsigned char *imp_cache_load(const char *name, size_t *size);

/* Writes an entry under a temporary name and renames it. */
bool imp_cache_store(const char *name, const void *bytes, size_t size);

/* Removes a damaged entry. */
void imp_cache_drop(const char *name);

#endif
