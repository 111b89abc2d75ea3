/* SPDX-License-Identifier: MIT
 *
 * The published networks that can be downloaded: origin, addresses, licence and digest. The digits
 * in a torch file's name are the first of its SHA-256.
 */
#include "impasto.h"

#include <string.h>

static const imp_weights_entry entries[] = {
    {.name = "vgg19",
     .about = "VGG-19 as PyTorch's users know it: RGB in 0..1",
     .origin = "torchvision, VGG19_Weights.IMAGENET1K_V1",
     .licence = "BSD-3-Clause",
     .input = IMP_INPUT_TORCHVISION,
     .file = "vgg19-dcbb9e9d.pth",
     .addresses = {"https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
                   "https://s3.amazonaws.com/pytorch/models/vgg19-dcbb9e9d.pth"},
     .bytes = 574673361,
     .digest = "sha256:dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44"},
    {.name = "vgg16",
     .about = "VGG-16 as PyTorch's users know it: RGB in 0..1",
     .origin = "torchvision, VGG16_Weights.IMAGENET1K_V1",
     .licence = "BSD-3-Clause",
     .input = IMP_INPUT_TORCHVISION,
     .file = "vgg16-397923af.pth",
     .addresses = {"https://download.pytorch.org/models/vgg16-397923af.pth",
                   "https://s3.amazonaws.com/pytorch/models/vgg16-397923af.pth"},
     .bytes = 553433881,
     .digest = "sha256:397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"},
    {.name = "vgg19-caffe",
     .about = "VGG-19 of the first style transfers, Caffe's weights in torch's form: BGR in 0..255",
     .origin = "Visual Geometry Group, Oxford; converted by Justin Johnson (pytorch-vgg)",
     .licence = "CC BY 4.0",
     .input = IMP_INPUT_CAFFE,
     .file = "vgg19-d01eb7cb.pth",
     .addresses = {"https://web.eecs.umich.edu/~justincj/models/vgg19-d01eb7cb.pth",
                   "https://s3-us-west-2.amazonaws.com/jcjohns-models/vgg19-d01eb7cb.pth"},
     .digest = "sha256:d01eb7cb"},
    {.name = "vgg19-keras",
     .about = "VGG-19 as TensorFlow's users know it, convolutions only: BGR in 0..255",
     .origin = "Visual Geometry Group, Oxford; converted for Keras applications",
     .licence = "CC BY 4.0",
     .input = IMP_INPUT_CAFFE,
     .file = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
     .addresses = {"https://storage.googleapis.com/tensorflow/keras-applications/vgg19/"
                   "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
                   "https://github.com/fchollet/deep-learning-models/releases/download/v0.1/"
                   "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"},
     .bytes = 80134624,
     .digest = "md5:253f8cb515780f3b799900260a226db6"},
    {.name = "vgg19-timm",
     .about = "torchvision's VGG-19 as safetensors",
     .origin = "timm, vgg19.tv_in1k",
     .licence = "BSD-3-Clause",
     .input = IMP_INPUT_TORCHVISION,
     .file = "model.safetensors",
     .addresses = {"https://huggingface.co/timm/vgg19.tv_in1k/resolve/main/model.safetensors"}},
    {.name = "vgg16-timm",
     .about = "torchvision's VGG-16 as safetensors",
     .origin = "timm, vgg16.tv_in1k",
     .licence = "BSD-3-Clause",
     .input = IMP_INPUT_TORCHVISION,
     .file = "model.safetensors",
     .addresses = {"https://huggingface.co/timm/vgg16.tv_in1k/resolve/main/model.safetensors"}},
};

const imp_weights_entry *imp_weights_at(size_t i) {
    return i < sizeof entries / sizeof *entries ? &entries[i] : NULL;
}

const imp_weights_entry *imp_weights_find(const char *name) {
    for (size_t i = 0; name && i < sizeof entries / sizeof *entries; i++)
        if (strcmp(entries[i].name, name) == 0)
            return &entries[i];
    return NULL;
}
