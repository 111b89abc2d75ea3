/* SPDX-License-Identifier: MIT
 *
 * Memory use of this process.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "impasto.h"

/* On Linux, getrusage also counts what the process was before exec. */
static double peak_from_proc(void) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[128];
    double kib = 0;
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, "VmHWM:", 6))
            kib = strtod(line + 6, NULL);
    if (file)
        fclose(file);
    return kib / 0x1p10;
}

static void forget_peak(void) {
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (!file)
        return;
    fputs("5", file); /* resets VmHWM (proc(5)) */
    fclose(file);
}

double imp_peak_mib(bool forget) {
    double peak = peak_from_proc();
    struct rusage usage;
    if (peak <= 0 && getrusage(RUSAGE_SELF, &usage) == 0)
#ifdef __APPLE__
        peak = (double)usage.ru_maxrss / 0x1p20;
#else
        peak = (double)usage.ru_maxrss / 0x1p10;
#endif
    if (forget)
        forget_peak();
    return peak;
}
