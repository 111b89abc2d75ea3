/* SPDX-License-Identifier: MIT
 *
 * The memory that a process may use: control groups of both versions, and the limits of a shell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "cpu/cpu.h"
#include "scratch.h"

/* ---- Control groups -------------------------------------------------------------------------- */

/* Writes a file below the folder, and the folders that it is in. */
static void put(scratch *s, const char *name, const char *text) {
    char part[128];
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - name), name);
        mkdir(scratch_path(s, part), 0700);
    }
    scratch_write(s, name, text, strlen(text));
}

static void test_groups(void **state) {
    scratch *s = *state;
    assert_true(imp_memory_group_limit(s->folder) == UINT64_MAX);
    put(s, "proc/self/cgroup", "0::/user/one\n");
    assert_true(imp_memory_group_limit(s->folder) == UINT64_MAX);
    put(s, "sys/fs/cgroup/user/one/memory.max", "max\n");
    assert_true(imp_memory_group_limit(s->folder) == UINT64_MAX);
    put(s, "sys/fs/cgroup/user/memory.max", "314572800\n"); /* of the group above */
    assert_true(imp_memory_group_limit(s->folder) == 314572800);
    put(s, "sys/fs/cgroup/user/one/memory.max", "1048576\n");
    assert_true(imp_memory_group_limit(s->folder) == 1048576);
    /* Version 1, in a container: the name holds outside of it. */
    put(s, "proc/self/cgroup", "12:cpu,cpuacct:/docker/ab\n4:memory:/docker/ab\n0::/\n");
    put(s, "sys/fs/cgroup/memory/memory.limit_in_bytes", "209715200\n");
    assert_true(imp_memory_group_limit(s->folder) == 209715200);
    put(s, "proc/self/cgroup", "3:hugetlb,memory:/docker/ab\n");
    put(s, "sys/fs/cgroup/memory/docker/ab/memory.limit_in_bytes", "104857600\n");
    assert_true(imp_memory_group_limit(s->folder) == 104857600);
    put(s, "proc/self/cgroup", "3:memory_other:/docker/ab\nnonsense\n::\n:\n");
    assert_true(imp_memory_group_limit(s->folder) == UINT64_MAX);
    char command[192];
    snprintf(command, sizeof command, "rm -r '%s/proc' '%s/sys'", s->folder, s->folder);
    assert_int_equal(system(command), 0);
}

/* ---- Limits of a shell ----------------------------------------------------------------------- */

/* Whether less than that limit is left under it, for the process and for its device. */
static bool obeys(int resource, rlim_t limit) {
    const uint64_t before = imp_memory_bytes();
    imp_device *device = NULL;
    imp_error err = {0};
    if (setrlimit(resource, &(struct rlimit){limit, limit}) != 0)
        return false;
    const uint64_t after = imp_memory_bytes();
    const bool less = after < before && after < limit && after > 0;
    if (imp_cpu_open(&device, NULL, &err) != IMP_OK)
        return false;
    const bool told = device->info.memory_bytes < limit;
    return less && told;
}

static void check_limit(int resource, rlim_t limit) {
    int how = 0;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(obeys(resource, limit) ? 0 : 1);
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

static void test_shell_limits(void **state) {
    (void)state;
    check_limit(RLIMIT_AS, (rlim_t)1 << 30);
    check_limit(RLIMIT_DATA, (rlim_t)1 << 29);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_groups, scratch_open, scratch_close),
        cmocka_unit_test(test_shell_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
