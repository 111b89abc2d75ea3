/* SPDX-License-Identifier: MIT
 *
 * The presets, as data. The formulas that they choose among are in host/engine/README.md.
 */
#include <string.h>

#include "engine/settings.h"

/* What the presets that compare distributions share: all but the network and its layers. */
#define FINE                                                                                       \
    .content_weight = 0.015F, .style_weight = 1, .tv_weight = 4, .strength = -1, .range = 1,       \
    .content_form = IMP_LOSS_MEAN, .style_form = IMP_LOSS_WASSERSTEIN, .gram_norm = IMP_GRAM_M,    \
    .tv_form = IMP_TV_NEIGHBOURS, .pooling = IMP_POOL_MAX, .replicate_first = true, .levels = 1,   \
    .size = 512, .style_scale = 1, .style_natural = true, .scales = IMP_SCALES_MAX,                \
    .scale_step = 1.41421356F, .iterations = 1000, .later_iterations = 500, .optimizer = IMP_ADAM, \
    .learning_rate = 0.02F, .beta1 = 0.9F, .beta2 = 0.99F, .epsilon = 1e-8F, .history = 100,       \
    .clamp = true, .convergence = 1.5F, .average = 0.99F, .warm_start = true,                      \
    .init = IMP_INIT_CONTENT, .noise = 0.01F, .seed = 1

/* The objective of default and print: palette, strokes and motifs by the means and covariances of
 * the built-in network's features. The little content at relu1_2 keeps colours and details of faces
 * and small forms, which relu4_2 does not see. */
#define MOTIFS                                                                                     \
    .terms = {{IMP_TERM_CONTENT, "relu4_2", 0.9F}, {IMP_TERM_CONTENT, "relu1_2", 0.1F},            \
              {IMP_TERM_STYLE, "relu1_1", 0.2F},   {IMP_TERM_STYLE, "relu2_1", 0.2F},              \
              {IMP_TERM_STYLE, "relu3_1", 0.2F},   {IMP_TERM_STYLE, "relu4_1", 0.2F},              \
              {IMP_TERM_STYLE, "relu5_1", 0.2F}},                                                  \
    .term_count = 7, .content_weight = 60, .style_weight = 1000, .tv_weight = 8, .strength = -1,   \
    .range = 1, .content_form = IMP_LOSS_RELATIVE, .style_form = IMP_LOSS_COVARIANCE,              \
    .gram_norm = IMP_GRAM_M, .metric = true, .tv_form = IMP_TV_ABSOLUTE, .tv_mean = true,          \
    .pooling = IMP_POOL_MAX, .replicate_first = true, .levels = 3, .style_scale = 1,               \
    .scale_step = 2, .optimizer = IMP_LBFGS, .learning_rate = 1, .beta1 = 0.9F, .beta2 = 0.999F,   \
    .epsilon = 1e-8F, .history = 20, .init = IMP_INIT_CONTENT, .noise = 0.01F, .seed = 1

#define START(its_name, its_network)                                                               \
    .struct_size = sizeof(imp_settings), .preset = its_name, .network = its_network

static const struct preset {
    imp_preset entry;
    imp_settings settings;
} presets[] = {
    {
        .entry = {"default", "builtin",
                  "made for the built-in network: palette, strokes and motifs of the style, by the "
                  "means and covariances of its features, painted coarse to fine"},
        .settings =
            {
                START("default", "builtin"),
                MOTIFS,
                .size = 512,
                .scales = 3,
                .iterations = 220,
                .convergence = 1.5F,
            },
    },
    {
        /* Gatys, Ecker, Bethge 2016, with the defaults of the classic PyTorch program. */
        .entry = {"gatys", "vgg19-caffe",
                  "the classic: Gatys, Ecker and Bethge 2016 on VGG-19, L-BFGS from noise"},
        .settings =
            {
                START("gatys", "vgg19-caffe"),
                .terms = {{IMP_TERM_CONTENT, "relu4_2", 1},
                          {IMP_TERM_STYLE, "relu1_1", 1},
                          {IMP_TERM_STYLE, "relu2_1", 1},
                          {IMP_TERM_STYLE, "relu3_1", 1},
                          {IMP_TERM_STYLE, "relu4_1", 1},
                          {IMP_TERM_STYLE, "relu5_1", 1}},
                .term_count = 6,
                .content_weight = 5,
                .style_weight = 100,
                .tv_weight = 1e-3F,
                .strength = -1,
                .range = 255,
                .content_form = IMP_LOSS_MEAN,
                .style_form = IMP_LOSS_MEAN,
                .gram_norm = IMP_GRAM_CM,
                .tv_form = IMP_TV_ABSOLUTE,
                .pooling = IMP_POOL_MAX,
                .levels = 1,
                .size = 512,
                .style_scale = 1,
                .scales = 1,
                .scale_step = 2,
                .iterations = 1000,
                .optimizer = IMP_LBFGS,
                .learning_rate = 1,
                .beta1 = 0.9F,
                .beta2 = 0.999F,
                .epsilon = 1e-8F,
                .history = 100,
                .convergence = 1.5F,
                .init = IMP_INIT_NOISE,
                .noise = 0.001F,
                .seed = 1,
            },
    },
    {
        /* The objective of TensorFlow's tutorial and what grew from it, with Keras' Adam. */
        .entry = {"tf", "vgg19-keras",
                  "TensorFlow's tutorial family on VGG-19: close to the content, smooth, steady; "
                  "for a faithful photograph with the colours and grain of a picture"},
        .settings =
            {
                START("tf", "vgg19-keras"),
                .terms = {{IMP_TERM_CONTENT, "relu5_2", 1},
                          {IMP_TERM_STYLE, "relu1_1", 0.2F},
                          {IMP_TERM_STYLE, "relu2_1", 0.2F},
                          {IMP_TERM_STYLE, "relu3_1", 0.2F},
                          {IMP_TERM_STYLE, "relu4_1", 0.2F},
                          {IMP_TERM_STYLE, "relu5_1", 0.2F}},
                .term_count = 6,
                .content_weight = 1e4F,
                .style_weight = 1e-2F,
                .tv_weight = 30,
                .strength = -1,
                .range = 1,
                .content_form = IMP_LOSS_MEAN,
                .style_form = IMP_LOSS_MEAN,
                .gram_norm = IMP_GRAM_M,
                .tv_form = IMP_TV_ABSOLUTE,
                .pooling = IMP_POOL_MAX,
                .levels = 1,
                .size = 512,
                .style_scale = 1,
                .scales = 1,
                .scale_step = 2,
                .iterations = 1000,
                .optimizer = IMP_ADAM,
                .learning_rate = 0.02F,
                .beta1 = 0.99F,
                .beta2 = 0.999F,
                .epsilon = 1e-1F,
                .adam_form = IMP_ADAM_KERAS,
                .history = 100,
                .clamp = true,
                .convergence = 1.5F,
                .init = IMP_INIT_CONTENT,
                .noise = 0.01F,
                .seed = 1,
            },
    },
    {/* Covariances compared as distributions (Wasserstein), coarse to fine by the root of two,
      * as the best-looking published optimiser does. */
     .entry = {"fine", "vgg19",
               "many scales and a Wasserstein style loss on VGG-19: slow, and the best looking; "
               "for pictures to keep"},
     .settings =
         {
             START("fine", "vgg19"),
             .terms = {{IMP_TERM_CONTENT, "relu4_2", 1},
                       {IMP_TERM_STYLE, "relu1_1", 256.0F / 341},
                       {IMP_TERM_STYLE, "relu2_1", 64.0F / 341},
                       {IMP_TERM_STYLE, "relu3_1", 16.0F / 341},
                       {IMP_TERM_STYLE, "relu4_1", 4.0F / 341},
                       {IMP_TERM_STYLE, "relu5_1", 1.0F / 341}},
             .term_count = 6,
             FINE,
         }},
    {.entry = {"brush", "builtin",
               "the method of fine on the built-in network, with nothing to download: brushwork, "
               "slower than default"},
     .settings =
         {
             START("brush", "builtin"),
             .terms = {{IMP_TERM_CONTENT, "relu3_3", 1},
                       {IMP_TERM_STYLE, "relu1_1", 0.75F},
                       {IMP_TERM_STYLE, "relu2_1", 0.19F},
                       {IMP_TERM_STYLE, "relu3_1", 0.05F},
                       {IMP_TERM_STYLE, "relu3_4", 0.01F}},
             .term_count = 5,
             FINE,
         }},
    {/* The sizes below the result's do not depend on it, and larger ones get few steps: they refine
      * what is there, and do not paint anew. */
     .entry = {"print", "builtin",
               "large pictures: painted at a middle size, then sharpened in few steps at the large "
               "ones; 2048 pixels look as 1024 do, only sharper"},
     .settings =
         {
             START("print", "builtin"),
             MOTIFS,
             .size = 2048,
             .style_natural = true,
             .scales = 9,
             .sizes = {256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536},
             .size_count = 9,
             .iterations = 150,
             .later_iterations = 100,
             .iterations_step = 3,
         }},
    {/* Nearest neighbours: Kolkin et al. 2022, on the built-in network. */
     .entry = {"patch", "builtin",
               "real strokes and patches of the painting, each place of the photograph laid with "
               "the most similar one of the style; nothing to download"},
     .settings =
         {
             START("patch", "builtin"),
             .terms = {{IMP_TERM_CONTENT, "relu3_3", 1},
                       {IMP_TERM_STYLE, "relu1_1", 0.25F},
                       {IMP_TERM_STYLE, "relu2_1", 0.25F},
                       {IMP_TERM_STYLE, "relu3_1", 0.25F},
                       {IMP_TERM_STYLE, "relu4_1", 0.25F}},
             .term_count = 5,
             .content_weight = 75,
             .style_weight = 1000,
             .tv_weight = 300,
             .strength = -1,
             .range = 1,
             .content_form = IMP_LOSS_RELATIVE,
             .style_form = IMP_LOSS_NEAREST,
             .gram_norm = IMP_GRAM_M,
             .tv_form = IMP_TV_ABSOLUTE,
             .tv_mean = true,
             .pooling = IMP_POOL_MAX,
             .replicate_first = true,
             .levels = 1,
             .size = 512,
             .style_scale = 1,
             .scales = 4,
             .scale_step = 2,
             .iterations = 60,
             .later_iterations = 40,
             .optimizer = IMP_ADAM,
             .learning_rate = 0.02F,
             .beta1 = 0.9F,
             .beta2 = 0.99F,
             .epsilon = 1e-8F,
             .history = 20,
             .clamp = true,
             .convergence = 1.5F,
             .init = IMP_INIT_CONTENT,
             .noise = 0.01F,
             .seed = 1,
         }},
};

const imp_preset *imp_preset_at(size_t i) {
    return i < sizeof presets / sizeof presets[0] ? &presets[i].entry : NULL;
}

static const struct preset *find(const char *name) {
    for (size_t i = 0; name && i < sizeof presets / sizeof presets[0]; i++)
        if (strcmp(presets[i].entry.name, name) == 0)
            return &presets[i];
    return NULL;
}

const imp_preset *imp_preset_find(const char *name) {
    const struct preset *preset = find(name);
    return preset ? &preset->entry : NULL;
}

const imp_settings *imp_preset_settings(const char *name) {
    const struct preset *preset = find(name);
    return preset ? &preset->settings : NULL;
}
