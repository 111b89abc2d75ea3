/* SPDX-License-Identifier: MIT
 *
 * The cache folder: $IMPASTO_CACHE, else $XDG_CACHE_HOME/impasto, else ~/.cache/impasto. What lies
 * there can be made again, so nothing here is an error: what cannot be read is absent, what cannot
 * be written is made again next time.
 */
#ifndef IMP_CACHE_H
#define IMP_CACHE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The path of an entry; false when there is no such folder, none can be made, or it is too long. */
bool imp_cache_path(char *path, size_t size, const char *name);

/* The bytes of an entry, with a 0 behind them; NULL where there is none. The caller frees. */
unsigned char *imp_cache_load(const char *name, size_t *size);

/* Writes an entry under a temporary name and renames it. */
bool imp_cache_store(const char *name, const void *bytes, size_t size);

/* The same of a JSON object; one without members where there is none, or a damaged one. The caller
 * gives it back; NULL: no memory. */
json_t *imp_cache_load_json(const char *name);
bool imp_cache_store_json(const char *name, const json_t *object);

/* Removes a damaged entry. */
void imp_cache_drop(const char *name);

#endif
