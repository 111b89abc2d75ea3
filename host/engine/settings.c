/* SPDX-License-Identifier: MIT
 *
 * The table of settings.
 */
#include "engine/settings.h"

#include <stdio.h>
#include <string.h>

#include "engine/objective.h"

#define AT(field) offsetof(imp_settings, field)

#define WEIGHT_MAX 1e15 /* sums of a few weights stay far within a float */

/* clang-format off */
static const imp_setting_row rows[] = {
    {{.name = "preset", .type = IMP_SETTING_NAME, .syntax = "NAME",
      .meaning = "start from the settings of this preset"},
     IMP_STORE_PRESET, AT(preset), 0},
    {{.name = "network", .type = IMP_SETTING_NAME, .syntax = "NAME",
      .meaning = "the network that the layers and weights are made for"},
     IMP_STORE_NAME, AT(network), 0},
    {{.name = "content-layers", .type = IMP_SETTING_LAYERS, .low = 0, .high = WEIGHT_MAX,
      .syntax = "LAYERS",
      .meaning = "layers at which content is compared, as LAYER[:WEIGHT],... or none; a weight "
                 "not given is 1"},
     IMP_STORE_CONTENT_TERMS, AT(terms), 0},
    {{.name = "style-layers", .type = IMP_SETTING_LAYERS, .low = 0, .high = WEIGHT_MAX,
      .syntax = "LAYERS",
      .meaning = "layers at which style is compared, in the same form"},
     IMP_STORE_STYLE_TERMS, AT(terms), 0},
    {{.name = "strength", .type = IMP_SETTING_REAL, .low = 0, .high = 1, .off = "off",
      .syntax = "S",
      .meaning = "how much style: 0 is nearly the photograph, 1 nearly all style, 0.5 in "
                 "balance, whatever the pictures and the preset; sets the balance in place of "
                 "setting 'content-weight' and setting 'style-weight'"},
     IMP_STORE_FLOAT, AT(strength), -1},
    {{.name = "content-weight", .type = IMP_SETTING_REAL, .low = 0, .high = WEIGHT_MAX,
      .syntax = "W",
      .meaning = "weight of the content; more keeps closer to it"},
     IMP_STORE_FLOAT, AT(content_weight), 0},
    {{.name = "style-weight", .type = IMP_SETTING_REAL, .low = 0, .high = WEIGHT_MAX,
      .syntax = "W",
      .meaning = "weight of the style; more follows it further"},
     IMP_STORE_FLOAT, AT(style_weight), 0},
    {{.name = "tv-weight", .type = IMP_SETTING_REAL, .low = 0, .high = WEIGHT_MAX,
      .syntax = "W",
      .meaning = "weight of the total variation; more gives smoother areas"},
     IMP_STORE_FLOAT, AT(tv_weight), 0},
    {{.name = "keep-edges", .type = IMP_SETTING_REAL, .low = 0, .high = 1000, .syntax = "W",
      .meaning = "how much the edges of the content are kept, of faces, letters and thin lines: 1 "
                 "is clearly seen, 10 leaves little room for strokes, 0 leaves them to setting "
                 "'content-layers'"},
     IMP_STORE_FLOAT, AT(keep_edges), 0},
    {{.name = "content-form", .type = IMP_SETTING_CHOICE, .words = "mean|relative",
      .meaning = "how content differences are summed: mean of squares, or sum of squares over "
                 "that of the target"},
     IMP_STORE_ENUM, AT(content_form), 0},
    {{.name = "style-form", .type = IMP_SETTING_CHOICE,
      .words = "mean|relative|wasserstein|covariance|nearest",
      .meaning = "how style differences are summed; mean and relative compare Gram matrices, "
                 "covariance compares covariances and means of features, wasserstein normal "
                 "distributions of them, nearest each place with the most similar place of the "
                 "style"},
     IMP_STORE_ENUM, AT(style_form), 0},
    {{.name = "gram-norm", .type = IMP_SETTING_CHOICE, .words = "cm|m",
      .meaning = "what a Gram matrix is divided by: channels times pixels, or pixels"},
     IMP_STORE_ENUM, AT(gram_norm), 0},
    {{.name = "metric", .type = IMP_SETTING_FLAG,
      .meaning = "weigh Gram differences by the network's metric, if it has one"},
     IMP_STORE_BOOL, AT(metric), 0},
    {{.name = "tv-form", .type = IMP_SETTING_CHOICE, .words = "absolute|squared|neighbours",
      .meaning = "form of the total variation"},
     IMP_STORE_ENUM, AT(tv_form), 0},
    {{.name = "tv-mean", .type = IMP_SETTING_FLAG,
      .meaning = "take the mean of the total variation over the colours instead of the sum"},
     IMP_STORE_BOOL, AT(tv_mean), 0},
    {{.name = "pooling", .type = IMP_SETTING_CHOICE, .words = "max|average|twice|l2",
      .meaning = "how the network halves a map: by the maximum of four values, their average, "
                 "twice the average, or 0.78 times the root of the sum of their squares; the "
                 "last two keep values about as large as the maximum does"},
     IMP_STORE_ENUM, AT(pooling), 0},
    {{.name = "replicate-first", .type = IMP_SETTING_FLAG,
      .meaning = "pad the first 3 x 3 convolution with the border of the picture"},
     IMP_STORE_BOOL, AT(replicate_first), 0},
    {{.name = "normalize-gradients", .type = IMP_SETTING_FLAG,
      .meaning = "divide the gradient of each content and style layer by its L1 norm before the "
                 "weights; then weights mean the same for every picture"},
     IMP_STORE_BOOL, AT(normalize_gradients), 0},
    {{.name = "levels", .type = IMP_SETTING_WHOLE, .low = 1, .high = IMP_LEVELS_MAX,
      .syntax = "N",
      .meaning = "compare style on this many sizes of the picture, each half the one before; "
                 "more brings larger strokes"},
     IMP_STORE_UNSIGNED, AT(levels), 0},
    {{.name = "size", .type = IMP_SETTING_WHOLE, .low = 1, .high = IMP_SIDE_MAX, .unit = "pixels",
      .off = "original", .syntax = "N|original",
      .meaning = "longer side of the result in pixels, or the content's own size"},
     IMP_STORE_SIZE, AT(size), 0},
    {{.name = "style-scale", .type = IMP_SETTING_REAL, .low = 0.01, .high = 100, .syntax = "R",
      .meaning = "how large strokes are: 1 as large in the result as in the style picture when "
                 "both are seen at one size, whatever that size; 0.5 half as large. It is the "
                 "longer side of the style picture, as it is compared, over that of the result"},
     IMP_STORE_FLOAT, AT(style_scale), 0},
    {{.name = "style-natural", .type = IMP_SETTING_FLAG,
      .meaning = "never enlarge the style picture"},
     IMP_STORE_BOOL, AT(style_natural), 0},
    {{.name = "color", .type = IMP_SETTING_CHOICE, .words = "style|content|match",
      .meaning = "whose colours the result has: the style's; the content's, with only the "
                 "lightness of the painting; or the style's after they were matched to the "
                 "content's palette"},
     IMP_STORE_ENUM, AT(color), 0},
    {{.name = "color-method", .type = IMP_SETTING_CHOICE, .words = "pca|cholesky|mk",
      .meaning = "how one palette is mapped to the other with setting 'color' match; mk changes "
                 "colours least"},
     IMP_STORE_ENUM, AT(color_method), 0},
    {{.name = "iterations", .type = IMP_SETTING_LIST, .low = 1, .high = 1e7,
      .syntax = "N|FIRST,LATER",
      .meaning = "steps in all, shared among the sizes painted on the way; or at the first size "
                 "and at each later one"},
     IMP_STORE_ITERATIONS, AT(iterations), 0},
    {{.name = "iterations-step", .type = IMP_SETTING_REAL, .low = 1.01, .high = 100, .off = "off",
      .syntax = "R",
      .meaning = "how many times fewer steps each size has than the one before; off: as many; with "
                 "two numbers in setting 'iterations', from the second size on"},
     IMP_STORE_FLOAT, AT(iterations_step), 0},
    {{.name = "scales", .type = IMP_SETTING_LIST, .low = 1, .high = IMP_SCALES_MAX,
      .syntax = "N|SIZE,...",
      .meaning = "paint at up to this many sizes, from one of 128 pixels or more, each larger "
                 "than the one before by setting 'scale-step'; or at these rising sizes, as in "
                 "128,181,256,362,512, and then at setting 'size'"},
     IMP_STORE_SCALES, AT(scales), 0},
    {{.name = "scale-step", .type = IMP_SETTING_REAL, .low = 1.01, .high = 100, .syntax = "R",
      .meaning = "how many times larger each size is than the one before"},
     IMP_STORE_FLOAT, AT(scale_step), 0},
    {{.name = "optimizer", .type = IMP_SETTING_CHOICE, .words = "lbfgs|adam",
      .meaning = "how a step is chosen: lbfgs needs fewer steps, adam is steadier and takes less "
                 "memory"},
     IMP_STORE_ENUM, AT(optimizer), 0},
    {{.name = "learning-rate", .type = IMP_SETTING_REAL, .low = 1e-9, .high = 1e6,
      .syntax = "R",
      .meaning = "length of a step"},
     IMP_STORE_FLOAT, AT(learning_rate), 0},
    {{.name = "beta1", .type = IMP_SETTING_REAL, .low = 0, .high = 0.999999, .syntax = "R",
      .meaning = "decay of adam's mean of gradients"},
     IMP_STORE_FLOAT, AT(beta1), 0},
    {{.name = "beta2", .type = IMP_SETTING_REAL, .low = 0, .high = 0.999999, .syntax = "R",
      .meaning = "decay of adam's mean of squared gradients"},
     IMP_STORE_FLOAT, AT(beta2), 0},
    {{.name = "epsilon", .type = IMP_SETTING_REAL, .low = 1e-16, .high = 1e6, .syntax = "R",
      .meaning = "what adam adds to the root of the mean square before it divides by it"},
     IMP_STORE_FLOAT, AT(epsilon), 0},
    {{.name = "adam-form", .type = IMP_SETTING_CHOICE, .words = "pytorch|keras",
      .meaning = "where adam adds its epsilon: after or before the bias correction"},
     IMP_STORE_ENUM, AT(adam_form), 0},
    {{.name = "history", .type = IMP_SETTING_WHOLE, .low = 1, .high = 1000, .syntax = "N",
      .meaning = "steps that lbfgs remembers; fewer take less memory"},
     IMP_STORE_UNSIGNED, AT(history), 0},
    {{.name = "convergence", .older = "settle", .type = IMP_SETTING_REAL, .low = 0, .high = 255,
      .unit = "of 255", .syntax = "N",
      .meaning = "stop early, at the last size, once the remaining steps would hardly be seen: "
                 "at the pace of the last 20 they would change a colour by less than N of 255 on "
                 "average; 0: never"},
     IMP_STORE_FLOAT, AT(convergence), 0},
    {{.name = "clamp", .type = IMP_SETTING_FLAG,
      .meaning = "keep colours in range after each step"},
     IMP_STORE_BOOL, AT(clamp), 0},
    {{.name = "range", .type = IMP_SETTING_REAL, .low = 1, .high = 255, .syntax = "R",
      .meaning = "unit of the colours that are optimized: 1 or 255"},
     IMP_STORE_FLOAT, AT(range), 0},
    {{.name = "average", .type = IMP_SETTING_REAL, .low = 0, .high = 0.999999, .syntax = "R",
      .meaning = "decay of the moving average of steps that becomes the result; 0: the last step "
                 "is the result"},
     IMP_STORE_FLOAT, AT(average), 0},
    {{.name = "warm-start", .older = "carry", .type = IMP_SETTING_FLAG,
      .meaning = "start each later size with adam's state of the size before"},
     IMP_STORE_BOOL, AT(warm_start), 0},
    {{.name = "tileable", .older = "seam", .type = IMP_SETTING_CHOICE, .words = "none|x|y|both",
      .meaning = "make edges meet without a visible seam, so that copies of the result can be "
                 "laid side by side: x: left and right, y: top and bottom"},
     IMP_STORE_ENUM, AT(tileable), 0},
    {{.name = "init", .type = IMP_SETTING_CHOICE, .words = "content|noise|style|picture",
      .meaning = "what to start from: the content, noise, the style, or a picture"},
     IMP_STORE_ENUM, AT(init), 0},
    {{.name = "noise", .type = IMP_SETTING_REAL, .low = 0, .high = 1e6, .syntax = "R",
      .meaning = "standard deviation of the noise to start from, in the unit of setting 'range'"},
     IMP_STORE_FLOAT, AT(noise), 0},
    {{.name = "seed", .type = IMP_SETTING_WHOLE, .low = 0, .high = 18446744073709551615.0,
      .syntax = "N",
      .meaning = "another number gives other noise"},
     IMP_STORE_U64, AT(seed), 0},
    {{.name = "memory", .type = IMP_SETTING_REAL, .low = 0, .high = 1073741824, .unit = "MiB",
      .syntax = "MIB",
      .meaning = "take at most this much of the device's memory, at the price of time: features "
                 "are recomputed instead of kept; 0: all that the device has"},
     IMP_STORE_MIB, AT(memory), 0},
};
/* clang-format on */

const imp_setting_row *imp_setting_row_at(size_t i) {
    return i < sizeof rows / sizeof *rows ? &rows[i] : NULL;
}

const imp_setting_row *imp_setting_row_find(const char *name) {
    for (size_t i = 0; name && i < sizeof rows / sizeof *rows; i++) {
        const imp_setting *s = &rows[i].setting;
        if (strcmp(s->name, name) == 0 || (s->older && strcmp(s->older, name) == 0))
            return &rows[i];
    }
    return NULL;
}

const imp_setting *imp_setting_at(size_t i) {
    const imp_setting_row *row = imp_setting_row_at(i);
    return row ? &row->setting : NULL;
}

const imp_setting *imp_setting_find(const char *name) {
    const imp_setting_row *row = imp_setting_row_find(name);
    return row ? &row->setting : NULL;
}

size_t imp_settings_size(void) {
    return sizeof(imp_settings);
}

void imp_settings_init(imp_settings *settings, size_t struct_size) {
    if (struct_size >= IMP_SETTINGS_SIZE_MIN && struct_size <= sizeof *settings)
        memcpy(settings, imp_preset_settings("default"), struct_size);
    if (struct_size >= sizeof settings->struct_size)
        settings->struct_size = struct_size;
}

/* ---- Words ----------------------------------------------------------------------------------- */

size_t imp_words_count(const char *words) {
    size_t count = 1;
    for (; *words; words++)
        count += *words == '|';
    return count;
}

size_t imp_words_find(const char *words, const char *word) {
    size_t i = 0;
    for (const char *next = words; *next; i++) {
        const size_t length = strcspn(next, "|");
        if (strlen(word) == length && strncmp(next, word, length) == 0)
            return i;
        next += length + (next[length] == '|');
    }
    return i;
}

/* ---- Messages -------------------------------------------------------------------------------- */

static void expected_range(const imp_setting_row *row, char *text, size_t size) {
    const imp_setting *s = &row->setting;
    const bool real = s->type == IMP_SETTING_REAL;
    if (row->storage == IMP_STORE_U64) /* a double cannot hold its upper end */
        snprintf(text, size, "a whole number from 0 to %llu", (unsigned long long)UINT64_MAX);
    else
        snprintf(text, size,
                 real ? "a number from %g to %g%s%s%s"
                      : "a whole number from %.0f to "
                        "%.0f%s%s%s",
                 s->low, s->high, s->off ? ", or '" : "", s->off ? s->off : "", s->off ? "'" : "");
}

void imp_setting_expected(const imp_setting_row *row, char *text, size_t size) {
    const imp_setting *s = &row->setting;
    switch (row->storage) {
    case IMP_STORE_BOOL:
        snprintf(text, size, "'on' or 'off'");
        break;
    case IMP_STORE_ENUM:
        snprintf(text, size, "one of %s", s->words);
        break;
    case IMP_STORE_NAME:
        snprintf(text, size, "a name of 1 to %d bytes", IMP_NAME_MAX - 1);
        break;
    case IMP_STORE_PRESET:
        snprintf(text, size, "the name of a preset");
        break;
    case IMP_STORE_CONTENT_TERMS:
    case IMP_STORE_STYLE_TERMS:
        snprintf(text, size,
                 "LAYER[:WEIGHT],... such as relu1_1:0.2,relu2_1 (at most %d in all), "
                 "with weights from %g to %g",
                 IMP_TERMS_MAX, s->low, s->high);
        break;
    case IMP_STORE_ITERATIONS:
        snprintf(text, size, "a whole number from %.0f to %.0f, or two as in 1000,500", s->low,
                 s->high);
        break;
    case IMP_STORE_SCALES:
        snprintf(text, size,
                 "a whole number from %.0f to %.0f, or 2 to %d rising sizes up to %d as in "
                 "128,256,512",
                 s->low, s->high, IMP_SCALES_MAX, IMP_SIDE_MAX);
        break;
    case IMP_STORE_UNSIGNED:
    case IMP_STORE_SIZE:
    case IMP_STORE_U64:
    case IMP_STORE_FLOAT:
    case IMP_STORE_MIB:
        expected_range(row, text, size);
        break;
    }
}
