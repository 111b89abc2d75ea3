# SPDX-License-Identifier: MIT
"""What the makers of pictures share: files, and colours by their definitions."""

import struct

import numpy as np


def save(name, data):
    with open(name, 'wb') as file:
        file.write(data)
    return True


def on_white(rgba):
    return rgba[..., :3] * rgba[..., 3:] + 1 - rgba[..., 3:]


def matrix(m, primaries):
    """From these primaries to sRGB's, in linear light."""

    def to_xyz(name):
        p, white = m.primaries[name], m.xyz(0.3127, 0.3290)
        columns = np.stack([m.xyz(*p[i : i + 2]) for i in (0, 2, 4)], 1)
        return columns * np.linalg.solve(columns, white)

    return np.linalg.inv(to_xyz('srgb')) @ to_xyz(primaries)


def decode(v):
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def encode(v):
    v = np.clip(v, 0, 1)
    return np.where(v <= 0.0031308, v * 12.92, 1.055 * v ** (1 / 2.4) - 0.055)


def converted(m, rgb, primaries, curve=decode):
    return encode(curve(rgb) @ matrix(m, primaries).T)


def packed(values, bits):
    """Rows of whole numbers, each row from a new byte, highest bits first."""
    rows = []
    for row in values.reshape(values.shape[0], -1):
        text = ''.join(format(int(v), '0%db' % bits) for v in row)
        text += '0' * (-len(text) % 8)
        rows.append(int(text, 2).to_bytes(len(text) // 8, 'big'))
    return b''.join(rows)


def exif_block(kind, orientation):
    """EXIF with an orientation of that TIFF type: 1 BYTE, 3 SHORT, 4 LONG, 6, 8, 9 signed."""
    value = struct.pack(
        {1: 'Bxxx', 6: 'bxxx', 3: '<Hxx', 8: '<hxx', 4: '<I', 9: '<i'}[kind], orientation
    )
    return b'II*\0\x08\0\0\0' + struct.pack('<HHHI', 1, 0x112, kind, 1) + value + bytes(4)
