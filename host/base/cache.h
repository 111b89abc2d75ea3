/* SPDX-License-Identifier: MIT
 *
 * The cache folder: $IMPASTO_CACHE, else $XDG_CACHE_HOME/impasto, else ~/.cache/impasto. Its
 * entries can always be made again, so nothing here is an error: an entry that cannot be read
 * counts as absent, and one that cannot be written is made again next time.
 */
#ifndef IMP_CACHE_H
#define IMP_CACHE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The path of an entry; creates the folder. False when there is no such folder and none can be
 * created, or when the path is too long. */
bool imp_cache_path(char *path, size_t size, const char *name);

/* The bytes of an entry, which the caller frees; NULL where there is none or it is empty. */
unsigned char *imp_cache_load(const char *name, size_t *size);

/* Writes an entry atomically. */
bool imp_cache_store(const char *name, const void *bytes, size_t size);

/* The same for a JSON object. A missing or damaged entry reads as an object without members. The
 * caller releases it with json_decref; NULL: out of memory. */
json_t *imp_cache_load_json(const char *name);
bool imp_cache_store_json(const char *name, const json_t *object);

/* Removes an entry, for instance a damaged one. */
void imp_cache_drop(const char *name);

#endif
