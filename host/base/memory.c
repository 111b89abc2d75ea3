/* SPDX-License-Identifier: MIT
 *
 * Limits on memory: see memory.h.
 */
#include "base/memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PATH_ROOM = 4096 };

static uint64_t lesser(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* ---- Control groups -------------------------------------------------------------------------- */

/* The number in a file; UINT64_MAX where there is none: version 2 writes "max". */
static uint64_t number_in(const char *path) {
    FILE *const file = fopen(path, "r");
    unsigned long long number;
    const bool found = file && fscanf(file, "%llu", &number) == 1;
    if (file)
        fclose(file);
    return found ? number : UINT64_MAX;
}

/* The least limit of a group and of those above it. In a container the group may have a name that
 * holds outside of it; its own limit is then that of the topmost folder. */
static uint64_t limit_of(const char *root, const char *mount, char *group, const char *file) {
    uint64_t least = UINT64_MAX;
    for (;;) {
        char path[PATH_ROOM];
        if (snprintf(path, sizeof path, "%s%s%s/%s", root, mount, group, file) < PATH_ROOM)
            least = lesser(least, number_in(path));
        char *const slash = strrchr(group, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

/* Whether a list such as "cpu,memory" has the controller of memory. */
static bool lists_memory(const char *controllers) {
    const char *at = strstr(controllers, "memory");
    return at && (at == controllers || at[-1] == ',') && (at[6] == '\0' || at[6] == ',');
}

/* A line of /proc/self/cgroup is NUMBER:CONTROLLERS:PATH, without controllers in version 2. */
static uint64_t limit_of_line(const char *root, char *line) {
    char *const controllers = strchr(line, ':');
    char *const path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
        return UINT64_MAX;
    *path = '\0';
    path[1 + strcspn(path + 1, "\n")] = '\0';
    if (lists_memory(controllers + 1))
        return limit_of(root, "/sys/fs/cgroup/memory", path + 1, "memory.limit_in_bytes");
    return controllers[1] ? UINT64_MAX : limit_of(root, "/sys/fs/cgroup", path + 1, "memory.max");
}

uint64_t imp_memory_group_limit(const char *root) {
    char line[PATH_ROOM];
    uint64_t least = UINT64_MAX;
    snprintf(line, sizeof line, "%s/proc/self/cgroup", root);
    FILE *const file = fopen(line, "r");
    while (file && fgets(line, sizeof line, file))
        least = lesser(least, limit_of_line(root, line));
    if (file)
        fclose(file);
    return least;
}

/* ---- The process ----------------------------------------------------------------------------- */

/* What the process holds now, in bytes: "VmSize:" its addresses, "VmRSS:" its memory. 0: unknown.
 */
static uint64_t held(const char *key) {
    FILE *const file = fopen("/proc/self/status", "r");
    char line[128];
    uint64_t kib = 0;
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            kib = strtoull(line + strlen(key), NULL, 10);
    if (file)
        fclose(file);
    return kib << 10;
}

/* What is left of a limit. UINT64_MAX: there is none. */
static uint64_t left(uint64_t limit, const char *key) {
    const uint64_t used = limit == UINT64_MAX ? 0 : held(key);
    return limit > used ? limit - used : 0;
}

static uint64_t resource_limit(int resource) {
    struct rlimit limit;
    return getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY
               ? (uint64_t)limit.rlim_cur
               : UINT64_MAX;
}

uint64_t imp_memory_bytes(void) {
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    const uint64_t machine = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_MAX;
    const uint64_t group = imp_memory_group_limit("");
    uint64_t least = group < machine ? left(group, "VmRSS:") : machine; /* 2^63 means none */
    least = lesser(least, left(resource_limit(RLIMIT_AS), "VmSize:"));
    return lesser(least, left(resource_limit(RLIMIT_DATA), "VmData:"));
}
