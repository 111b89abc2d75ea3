# SPDX-License-Identifier: MIT
"""JPEG and PNG, byte by byte."""

import struct
import zlib

import numpy as np

from kinds.common import converted, encode, exif_block, on_white, save


def jpeg(m):
    for kind, word in ((1, 'byte'), (4, 'long'), (6, 'sbyte'), (8, 'sshort'), (9, 'slong')):
        block = b'Exif\0\0' + exif_block(kind, 6)
        whole = m.read('444.jpg')
        m.add(
            'orientation-%s.jpg' % word,
            save(
                'orientation-%s.jpg' % word,
                whole[:2] + b'\xff\xe1' + struct.pack('>H', len(block) + 2) + block + whole[2:],
            ),
            truth=m.reference('444.jpg', lambda a: np.rot90(a, -1)),
        )
    m.add('no-end.jpg', save('no-end.jpg', m.read('444.jpg')[:-2]), truth=m.reference('444.jpg'))
    m.add('cut-progressive.jpg', save('cut-progressive.jpg', m.read('progressive.jpg')[:-40]))
    m.magick('411.jpg', '-sampling-factor', '4x1')
    m.magick('odd.jpg', '-crop', '61x37+3+5', '+repage', '-quality', 90)
    m.magick('one.jpg', '-crop', '1x1+3+5', '+repage')
    m.pillow('restart.jpg', m.rgb, quality=90, restart_marker_rows=1)
    m.pillow('kept-rgb.jpg', m.rgb, quality=95, keep_rgb=True)
    m.pillow('quality-5.jpg', m.rgb, quality=5)
    m.magick('progressive-grey.jpg', '-interlace', 'JPEG', source='base-grey.png')


def chunk(name, data):
    return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))


def png_file(pixels, extra=b'', end=True):
    """A PNG of 8 or 16 bits; extra: chunks before the colours."""
    height, width, channels = pixels.shape
    depth = 8 * pixels.dtype.itemsize
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = pixels.astype('>u2') if depth == 16 else pixels
    raw = b''.join(b'\0' + row.tobytes() for row in rows)
    head = chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, depth, kind, 0, 0, 0))
    return (
        b'\x89PNG\r\n\x1a\n'
        + head
        + extra
        + chunk(b'IDAT', zlib.compress(raw))
        + (chunk(b'IEND', b'') if end else b'')
    )


def png(m):
    narrow, unit = m.narrow, m.narrow / 255
    for name, numbers, primaries in (
        ('p3', (12, 13, 0, 1), 'p3'),
        ('2020', (9, 13, 0, 1), '2020'),
        ('srgb', (1, 13, 0, 1), 'srgb'),
        ('2020-video', (9, 1, 0, 1), '2020'),
    ):
        m.add(
            'cicp-%s.png' % name,
            save('cicp-%s.png' % name, png_file(narrow, chunk(b'cICP', bytes(numbers)))),
            truth=converted(m, unit, primaries),
        )
    m.add(
        'cicp-linear.png',
        save('cicp-linear.png', png_file(m.wide, chunk(b'cICP', bytes((12, 8, 0, 1))))),
        truth=converted(m, m.wide / 65535, 'p3', lambda v: v),
    )
    icc = chunk(b'iCCP', b'a\0\0' + zlib.compress(m.read('adobe.icc')))
    m.add(
        'cicp-over-profile.png',
        save(
            'cicp-over-profile.png', png_file(narrow, chunk(b'cICP', bytes((12, 13, 0, 1))) + icc)
        ),
        truth=converted(m, unit, 'p3'),
    )
    m.add(
        'cicp-unknown.png',
        save('cicp-unknown.png', png_file(narrow, chunk(b'cICP', bytes((2, 2, 0, 1))))),
        truth=unit,
    )
    m.add('no-end.png', save('no-end.png', png_file(narrow, end=False)), truth=unit)
    m.add(
        'gamma.png',
        save('gamma.png', png_file(narrow, chunk(b'gAMA', struct.pack('>I', 100000)))),
        truth=encode(unit),
    )
    m.add(
        'srgb-over-gamma.png',
        save(
            'srgb-over-gamma.png',
            png_file(narrow, chunk(b'sRGB', b'\0') + chunk(b'gAMA', struct.pack('>I', 100000))),
        ),
        truth=unit,
    )
    m.add(
        'exif-long.png',
        save('exif-long.png', png_file(narrow, chunk(b'eXIf', exif_block(4, 3)))),
        truth=np.rot90(unit, 2),
    )
    alpha = m.alpha / 255
    m.add(
        'rgba16-own.png',
        save(
            'rgba16-own.png',
            png_file(np.dstack([m.wide, (alpha * 65535).round().astype(np.uint16)])),
        ),
        truth=on_white(np.dstack([m.wide / 65535, alpha])),
    )
    for depth in (1, 2, 4):
        m.magick(
            'grey%d.png' % depth,
            '-depth',
            depth,
            '-define',
            'png:color-type=0',
            '-define',
            'png:bit-depth=%d' % depth,
            source='base-grey.png',
        )
        m.magick(
            'palette%d.png' % depth,
            '-colors',
            2**depth,
            '-define',
            'png:color-type=3',
            '-define',
            'png:bit-depth=%d' % depth,
        )
    m.magick('interlaced-alpha.png', '-interlace', 'PNG', source='base-alpha.png')
    m.magick('interlaced16.png', '-interlace', 'PNG', '-depth', 16, source='base16.ppm')
    m.magick('interlaced-tiny.png', '-crop', '3x3+5+5', '+repage', '-interlace', 'PNG')
    m.magick('rgb-transparent.png', '-transparent', 'black', '-define', 'png:color-type=2')
