/* SPDX-License-Identifier: MIT
 *
 * lcms2's contexts, and the sRGB profile that is written into files.
 */
#include <stdlib.h>
#include <string.h>

#include <lcms2_plugin.h>

#include "media/media.h"

/* ---- Contexts: each belongs to one thread, and locks nothing ----------------------------------
 */

static void *create_mutex(cmsContext context) {
    return context;
}

static void destroy_mutex(cmsContext context, void *mutex) {
    (void)context;
    (void)mutex;
}

static cmsBool lock_mutex(cmsContext context, void *mutex) {
    (void)context;
    (void)mutex;
    return TRUE;
}

void *imp_colour_context(void) {
    cmsPluginMutex plugin = {
        .base = {.Magic = cmsPluginMagicNumber, .ExpectedVersion = 2060, .Type = cmsPluginMutexSig},
        .CreateMutexPtr = create_mutex,
        .DestroyMutexPtr = destroy_mutex,
        .LockMutexPtr = lock_mutex,
        .UnlockMutexPtr = destroy_mutex};
    return cmsCreateContext(&plugin, NULL);
}

/* ---- sRGB ------------------------------------------------------------------------------------ */

/* A fixed date, so that equal pictures give equal files. */
static void set_date(unsigned char *profile) {
    static const unsigned char date[12] = {0x07, 0xD0, 0, 1, 0, 1}; /* 1 January 2000 */
    memcpy(profile + 24, date, sizeof date);
}

unsigned char *imp_srgb_profile(size_t *size) {
    enum { HEADER = 128 };
    const cmsContext context = imp_colour_context();
    const cmsHPROFILE profile = context ? cmsCreate_sRGBProfileTHR(context) : NULL;
    cmsUInt32Number bytes = 0;
    unsigned char *out = NULL;
    if (profile) {
        if (cmsSaveProfileToMem(profile, NULL, &bytes) && bytes > HEADER)
            out = malloc(bytes);
        if (out && !cmsSaveProfileToMem(profile, out, &bytes)) {
            free(out);
            out = NULL;
        }
        cmsCloseProfile(profile);
    }
    if (context)
        cmsDeleteContext(context);
    if (out)
        set_date(out);
    *size = bytes;
    return out;
}
