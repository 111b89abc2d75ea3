/* SPDX-License-Identifier: MIT
 *
 * The names of the pictures to paint from: see sources.h.
 */
#include "cli/sources.h"

#include "cli/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where ":WEIGHT" (or ":STRENGTH") begins, or NULL. */
static const char *weight_of(const char *text, double *weight) {
    const char *colon = strrchr(text, ':'), *place = strstr(text, "://");
    char *end = NULL;
    *weight = 1;
    if (!colon || colon == text || access(text, F_OK) == 0)
        return NULL;
    if (place && !strchr(place + 3, '/')) /* the port of a URL */
        return NULL;
    if (strspn(colon + 1, "0123456789+-.eE") != strlen(colon + 1))
        return NULL;
    *weight = strtod(colon + 1, &end);
    return end != colon + 1 && !*end && isfinite((float)*weight) ? colon : NULL;
}

int cli_sources_add_style(cli_sources *sources, const char *text) {
    double weight;
    const char *colon = weight_of(text, &weight);
    if (colon && weight < 0)
        return cli_complain(CLI_MISUSE, "style '%s': negative weight; give 0 or more", text);
    if (sources->style_count == IMP_STYLES_MAX)
        return cli_complain(CLI_MISUSE, "style '%s': too many styles; give at most %d", text,
                            IMP_STYLES_MAX);
    cli_style *style = &sources->styles[sources->style_count++];
    style->weight = colon ? (float)weight : 1;
    snprintf(style->path, sizeof style->path, "%.*s",
             (int)(colon ? (size_t)(colon - text) : strlen(text)), text);
    return CLI_DONE;
}

int cli_read_protect(char path[IMP_PATH_MAX], float *strength, const char *text) {
    double value;
    const char *colon = weight_of(text, &value);
    if (colon && !(value >= 0 && value <= 1))
        return cli_complain(CLI_MISUSE, "--protect '%s': invalid strength; give 0 to 1", text);
    *strength = colon ? (float)value : 1;
    snprintf(path, IMP_PATH_MAX, "%.*s", (int)(colon ? (size_t)(colon - text) : strlen(text)),
             text);
    return CLI_DONE;
}

int cli_sources_add_options(cli_sources *sources, const cli_values *v) {
    int status = CLI_DONE;
    for (size_t i = 0; i < v->styles.count && !status; i++)
        status = cli_sources_add_style(sources, v->styles.paths[i]);
    if (!status && v->protect)
        status = cli_read_protect(sources->protect, &sources->protect_strength, v->protect);
    if (v->mask)
        snprintf(sources->mask, sizeof sources->mask, "%s", v->mask);
    if (status || v->style_masks.count == 0)
        return status;
    if (v->style_masks.count != sources->style_count)
        return cli_complain(
            CLI_MISUSE,
            "--style-mask: given %zu times for %zu styles; give one for each style, "
            "in order",
            v->style_masks.count, sources->style_count);
    for (size_t i = 0; i < v->style_masks.count; i++)
        snprintf(sources->styles[i].mask, sizeof sources->styles[i].mask, "%s",
                 v->style_masks.paths[i]);
    return CLI_DONE;
}

/* The i-th name; NULL after the last. */
static const char *name_at(const cli_sources *s, size_t i) {
    const char *const first[] = {s->content, s->mask, s->init, s->protect};
    const size_t others = sizeof first / sizeof *first;
    if (i < others)
        return first[i];
    i -= others;
    return i < 2 * s->style_count ? i % 2 ? s->styles[i / 2].mask : s->styles[i / 2].path : NULL;
}

size_t cli_sources_streams(const cli_sources *sources) {
    size_t count = 0;
    const char *name;
    for (size_t i = 0; (name = name_at(sources, i)); i++)
        count += !strcmp(name, "-");
    return count;
}

void cli_sources_read(cli_outputs *outputs, const cli_sources *sources) {
    const char *name;
    for (size_t i = 0; (name = name_at(sources, i)); i++)
        cli_outputs_read(outputs, "one of the input pictures", name);
}
