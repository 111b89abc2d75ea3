/* SPDX-License-Identifier: MIT
 *
 * Networks of other kinds that people try, recognised by the names and shapes of their tensors, so
 * that a message can say what a file is.
 */
#include <string.h>

#include "weights/names.h"

/* A word that only the tensors of that network have; the first that is found decides. */
static const struct word {
    const char *word, *network;
} words[] = {
    {"squeeze1x1", "a SqueezeNet"},
    {".squeeze.weight", "a SqueezeNet"},
    {".expand3x3.", "a SqueezeNet"},
    {"cccp", "a Network in Network (NIN)"},
    {"inception_", "a GoogLeNet"},
    {"inception3a", "a GoogLeNet"},
    {"inception4a", "a GoogLeNet"},
    {"Mixed_5b", "an Inception"},
    {"mixed_5b", "an Inception"},
    {"denseblock", "a DenseNet"},
    {"res2a_branch", "a ResNet"},
    {"layer1.0.conv1", "a ResNet"},
    {"layer4.0.", "a ResNet"},
    {"conv2_block1_1_conv", "a ResNet"},
    {"bn2a_branch", "a ResNet"},
    {"depthwise_conv", "a MobileNet"},
    {"conv_dw_1", "a MobileNet"},
    {"features.1.conv.0.0.", "a MobileNet"},
    {"features.1.0.block.", "an EfficientNet or ConvNeXt"},
    {"features.1.block.0.0.", "a MobileNet"},
    {"_blocks.0._depthwise", "an EfficientNet"},
    {"blocks.0.0.conv_pw", "an EfficientNet"},
    {"pos_embed", "a vision transformer"},
    {"position_embedding", "a transformer"},
    {"encoder_layer_0", "a vision transformer"},
    {"relative_position", "a transformer"},
    {"model.diffusion_model", "a diffusion model"},
    {"down_blocks.0.", "a diffusion model"},
    {"lm_head", "a language model"},
    {"self_attn", "a transformer"},
    {"in_layers.", "a diffusion model"},
    {"lora_", "a LoRA"},
    {"deconv", "a feed-forward style network"},
    {"res1.conv1.conv2d", "a feed-forward style network"},
};

/* The first convolution: filters of 11 x 11 are AlexNet's, or NIN's, whose next are 1 x 1. */
static const char *by_shape(const imp_foreign *file) {
    const imp_foreign_tensor *first = NULL;
    for (size_t i = 0; i < file->count; i++) {
        const imp_foreign_tensor *const t = &file->tensors[i];
        if (t->rank != 4)
            continue;
        if (first)
            return first->shape[2] != 11 ? "a ResNet, or another network that begins with 7 x 7"
                   : t->shape[2] == 1    ? "a Network in Network (NIN)"
                                         : "an AlexNet";
        if (t->shape[2] != 11 && t->shape[2] != 7)
            return NULL;
        first = t;
    }
    return NULL;
}

const char *imp_other_network(const imp_foreign *file) {
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        for (size_t i = 0; i < file->count; i++)
            if (strstr(file->tensors[i].name, words[k].word))
                return words[k].network;
    return by_shape(file);
}
