# SPDX-License-Identifier: MIT
"""More kinds of pictures for tools/compare-pictures: written byte by byte, or by tifffile,
pillow-heif, imagecodecs and OpenEXR. Each maker adds files with a note and, where no other program
need be asked, the colours that the file states: `truth`, in [0,1], sRGB, on white."""

from kinds.jpeg_png import jpeg, png
from kinds.others import bmp, exr, gif, heif, jp2, jxl, pnm, tga
from kinds.tiff import lab_as_stated, tiff

ALL = (jpeg, png, tiff, heif, gif, bmp, pnm, tga, jxl, jp2, exr)
__all__ = ['ALL', 'lab_as_stated']
