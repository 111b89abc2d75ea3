# SPDX-License-Identifier: MIT
"""TIFF, byte by byte and by tifffile."""

import struct

import numpy as np

from kinds.common import decode, encode, on_white, packed, save

try:
    import tifffile
except ImportError:
    tifffile = None


def lab_of(rgb):
    """CIE L*a*b* of D50 from sRGB, by Bradford."""
    white = np.array([0.9642, 1.0, 0.8249])
    to = np.array(
        [
            [0.4360747, 0.3850649, 0.1430804],
            [0.2225045, 0.7168786, 0.0606169],
            [0.0139322, 0.0971045, 0.7141733],
        ]
    )
    f = decode(rgb) @ to.T / white
    f = np.where(f > (6 / 29) ** 3, np.cbrt(f), f * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.stack(
        [116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], 2
    )


def rgb_of(lab):
    """The reverse."""
    white = np.array([0.9642, 1.0, 0.8249])
    to = np.array(
        [
            [3.1338561, -1.6168667, -0.4906146],
            [-0.9787684, 1.9161415, 0.0334540],
            [0.0719453, -0.2289914, 1.4052427],
        ]
    )
    y = (lab[..., 0] + 16) / 116
    f = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], 2)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    return encode((xyz * white) @ to.T)


def lab_as_stated(name):
    """The colours of a Lab TIFF of 8 bits relative to D65, as its WhitePoint says."""
    if not tifffile:
        return None
    raw = tifffile.imread(name).astype(float)
    a, b = ((raw[..., i] + 128) % 256 - 128 for i in (1, 2))
    y = (raw[..., 0] / 2.55 + 16) / 116
    f = np.stack([y + a / 500, y, y - b / 200], 2)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * [0.95047, 1, 1.08883]
    to = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    return encode(xyz @ np.linalg.inv(to).T)


def tiff_file(strip, width, height, bits, samples, photometric, extra=()):
    """A little-endian TIFF of one strip. extra: (tag, type, values)."""
    entries = [
        (256, 4, [width]),
        (257, 4, [height]),
        (258, 3, [bits] * samples),
        (259, 3, [1]),
        (262, 3, [photometric]),
        (273, 4, [0]),
        (277, 3, [samples]),
        (278, 4, [height]),
        (279, 4, [len(strip)]),
    ] + list(extra)
    entries.sort()
    sizes = {1: 'B', 3: 'H', 4: 'I', 6: 'b', 8: 'h', 9: 'i'}
    blobs, table, at = b'', b'', 8 + 2 + 12 * len(entries) + 4
    start = at + sum(
        len(v) * struct.calcsize(sizes[t])
        for _, t, v in entries
        if len(v) * struct.calcsize(sizes[t]) > 4
    )
    for tag, kind, values in entries:
        values = [start] if tag == 273 else values
        data = struct.pack('<%d%s' % (len(values), sizes[kind]), *values)
        if len(data) > 4:
            table += struct.pack('<HHII', tag, kind, len(values), at + len(blobs))
            blobs += data
        else:
            table += struct.pack('<HHI', tag, kind, len(values)) + data.ljust(4, b'\0')
    return b'II*\0\x08\0\0\0' + struct.pack('<H', len(entries)) + table + bytes(4) + blobs + strip


def tiff(m):
    h, w = m.narrow.shape[:2]
    unit, wide = m.narrow / 255, m.wide / 65535
    for bits in (10, 12, 14):
        most = 2**bits - 1
        values = (wide * most).round()
        name = 'rgb%d.tif' % bits
        m.add(
            name, save(name, tiff_file(packed(values, bits), w, h, bits, 3, 2)), truth=values / most
        )
    grey = m.grey_unit
    for bits in (2, 4, 6, 12):
        most = 2**bits - 1
        values = (grey * most).round()
        name = 'grey%d.tif' % bits
        m.add(
            name,
            save(name, tiff_file(packed(values, bits), w, h, bits, 1, 1)),
            truth=np.dstack([values / most] * 3),
        )
    lab = lab_of(unit)
    eight = np.stack([lab[..., 0] * 2.55, lab[..., 1], lab[..., 2]], 2).round().astype(int) & 255
    alpha = m.alpha
    stored = np.stack(
        [eight[..., 0] / 2.55, *((eight[..., i] + 128) % 256 - 128 for i in (1, 2))], 2
    )
    coarse = rgb_of(stored)
    m.add(
        'lab8.tif',
        save('lab8.tif', tiff_file(eight.astype(np.uint8).tobytes(), w, h, 8, 3, 8)),
        truth=coarse,
    )
    m.add(
        'lab8-alpha.tif',
        save(
            'lab8-alpha.tif',
            tiff_file(
                np.dstack([eight, alpha]).astype(np.uint8).tobytes(), w, h, 8, 4, 8, [(338, 3, [2])]
            ),
        ),
        truth=on_white(np.dstack([coarse, alpha / 255])),
    )
    sixteen = (
        np.stack([lab[..., 0] * 655.35, lab[..., 1] * 256, lab[..., 2] * 256], 2)
        .round()
        .astype(int)
        & 65535
    )
    m.add(
        'lab16.tif',
        save('lab16.tif', tiff_file(sixteen.astype('<u2').tobytes(), w, h, 16, 3, 8)),
        truth=unit,
    )
    m.add(
        'lab16-alpha.tif',
        save(
            'lab16-alpha.tif',
            tiff_file(
                np.dstack([sixteen, alpha.astype(int) * 257]).astype('<u2').tobytes(),
                w,
                h,
                16,
                4,
                8,
                [(338, 3, [2])],
            ),
        ),
        truth=on_white(np.dstack([unit, alpha / 255])),
    )
    icc = (
        np.stack([lab[..., 0] * 2.55, lab[..., 1] + 128, lab[..., 2] + 128], 2)
        .round()
        .clip(0, 255)
        .astype(np.uint8)
    )
    m.add('icclab8.tif', save('icclab8.tif', tiff_file(icc.tobytes(), w, h, 8, 3, 9)), truth=coarse)
    icc = (
        np.stack([lab[..., 0] * 652.8, (lab[..., 1] + 128) * 256, (lab[..., 2] + 128) * 256], 2)
        .round()
        .clip(0, 65535)
    )
    m.add(
        'icclab16.tif',
        save('icclab16.tif', tiff_file(icc.astype('<u2').tobytes(), w, h, 16, 3, 9)),
        truth=unit,
    )
    raw = m.narrow.tobytes()
    for kind, word in ((1, 'byte'), (4, 'long'), (9, 'slong')):
        name = 'orientation-%s.tif' % word
        m.add(
            name,
            save(name, tiff_file(raw, w, h, 8, 3, 2, [(274, kind, [3])])),
            truth=np.rot90(unit, 2),
        )
    m.add(
        'white-is-zero-own.tif',
        save('white-is-zero-own.tif', tiff_file((255 - m.grey8).tobytes(), w, h, 8, 1, 0)),
        truth=np.dstack([m.grey8 / 255] * 3),
    )
    m.add(
        'unspecified-extra.tif',
        save(
            'unspecified-extra.tif',
            tiff_file(np.dstack([m.narrow, alpha]).tobytes(), w, h, 8, 4, 2, [(338, 3, [0])]),
        ),
        truth=unit,
    )
    if not tifffile:
        return
    half = wide.astype(np.float16)
    for name, data, options, truth in (
        ('half.tif', half, {}, half.astype(float)),
        ('half-predictor.tif', half, {'compression': 'zlib', 'predictor': 3}, half.astype(float)),
        (
            'float32-tifffile.tif',
            wide.astype(np.float32),
            {'compression': 'zlib', 'predictor': 3},
            wide,
        ),
        ('float64.tif', wide, {}, wide),
        ('uint32.tif', (wide * (2**32 - 1)).astype(np.uint32), {}, wide),
        ('big-half.tif', half, {'byteorder': '>'}, half.astype(float)),
        ('planar16.tif', np.moveaxis(m.wide, 2, 0), {'planarconfig': 'separate'}, wide),
        ('tiled-zlib.tif', m.wide, {'tile': (32, 48), 'compression': 'zlib', 'predictor': 2}, wide),
        ('lzma.tif', m.narrow, {'compression': 'lzma'}, unit),
        ('zstd.tif', m.narrow, {'compression': 'zstd'}, unit),
        ('packbits.tif', m.narrow, {'compression': 'packbits'}, unit),
        ('deflate-one-strip.tif', m.narrow, {'compression': 'zlib', 'rowsperstrip': h}, unit),
        ('big.tif', m.narrow, {'bigtiff': True}, unit),
        (
            'rgba-unassociated.tif',
            np.dstack([m.narrow, alpha]),
            {'extrasamples': ['unassalpha']},
            on_white(np.dstack([unit, alpha / 255])),
        ),
        (
            'cmyk16.tif',
            np.dstack([65535 - m.wide, m.wide[..., :1] * 0]),
            {'photometric': 'separated'},
            wide,
        ),
    ):
        order = options.pop('byteorder', '<')
        big = options.pop('bigtiff', False)
        options.setdefault('photometric', 'rgb')
        try:
            with tifffile.TiffWriter(name, byteorder=order, bigtiff=big) as writer:
                writer.write(data, **options)
            m.add(name, True, truth=truth)
        except Exception:  # whatever the library lacks
            m.add(name, False)
    with tifffile.TiffWriter('preview-first.tif') as writer:
        writer.write(m.narrow[::8, ::8], photometric='rgb', subfiletype=1, subifds=1)
        writer.write(m.narrow, photometric='rgb')
    m.add('preview-first.tif', True, truth=unit)
    with tifffile.TiffWriter('preview-page.tif') as writer:
        writer.write(m.narrow[::8, ::8], photometric='rgb', subfiletype=1)
        writer.write(m.narrow, photometric='rgb')
    m.add('preview-page.tif', True, truth=unit)
    table = np.array(m.palette.getpalette(), np.uint16).reshape(-1, 3).T * 257
    table = np.pad(table, ((0, 0), (0, 256 - table.shape[1])))
    tifffile.imwrite(
        'palette-tifffile.tif', np.array(m.palette), photometric='palette', colormap=table
    )
    m.add('palette-tifffile.tif', True, truth=np.array(m.palette.convert('RGB')) / 255)
