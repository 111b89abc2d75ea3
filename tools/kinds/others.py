# SPDX-License-Identifier: MIT
"""HEIF, AVIF and the formats that are only read."""

import struct

import numpy as np
from PIL import Image

from kinds.common import converted, decode, on_white, packed, save

try:
    import pillow_heif
except ImportError:
    pillow_heif = None
try:
    import imagecodecs
except ImportError:
    imagecodecs = None


def boxes_swapped(data):
    """The file with the associations of each item's properties in reverse, so that a rotation
    stands before the size."""
    at = data.find(b'ipma')
    if at < 0:
        return None
    out, version, flags = bytearray(data), data[at + 4], data[at + 7]
    count, p, step = struct.unpack('>I', data[at + 8 : at + 12])[0], at + 12, 2 if flags & 1 else 1
    for _ in range(count):
        p += 4 if version else 2
        n = data[p]
        entries = [data[p + 1 + i * step : p + 1 + (i + 1) * step] for i in range(n)]
        out[p + 1 : p + 1 + n * step] = b''.join(reversed(entries))
        p += 1 + n * step
    return bytes(out)


def heif(m):
    if not pillow_heif:
        return
    pillow_heif.register_heif_opener()
    text = 'lossy: chroma at half resolution'
    m.pillow('pillow-heif.heic', m.rgb, quality=95, chroma=444, format='HEIF')
    m.pillow('lossless.heic', m.rgb, quality=-1, chroma=444, matrix_coefficients=0, format='HEIF')
    m.pillow('alpha.heic', m.rgba, quality=95, format='HEIF')
    m.pillow('grey.heic', m.grey, quality=95, format='HEIF')
    m.pillow('p3.heic', m.rgb, quality=95, chroma=444, format='HEIF', icc_profile=m.read('p3.icc'))
    m.pillow('grey.avif', m.grey, quality=95)
    m.pillow('420.avif', m.rgb, quality=90, subsampling='4:2:0', note=text)
    exif = Image.Exif()
    exif[0x112] = 6
    for name, options in (('turned.avif', {}), ('turned.heic', {'format': 'HEIF', 'chroma': 444})):
        m.pillow(name, m.rgb, quality=95, exif=exif.tobytes(), **options)
        swapped = boxes_swapped(m.read(name)) if m.has(name) else None
        m.add(
            'size-behind-' + name,
            bool(swapped) and save('size-behind-' + name, swapped),
            truth=m.ours(name),
            note='the same file but for the order of its properties',
        )
    for name, flavour in (('wide.heic', {'format': 'HEIF'}), ('wide.avif', {'format': 'AVIF'})):
        try:
            pillow_heif.options.SAVE_HDR_TO_12_BIT = name == 'wide.heic'
            wide = pillow_heif.from_bytes('RGB;16', m.rgb.size, m.wide.tobytes())
            wide.save(name, quality=95, chroma=444, **flavour)
            m.add(name, True)
        except Exception:  # whatever the library lacks
            m.add(name, False)


def gif(m):
    m.pillow('plain.gif', m.palette)
    m.pillow('interlaced.gif', m.palette, interlace=1)
    m.pillow('transparent.gif', m.palette, transparency=3)
    m.pillow(
        'animated.gif', m.palette, save_all=True, append_images=[m.palette.transpose(0)], loop=0
    )
    m.magick('magick.gif', '-colors', 200)
    m.magick('two-colours.gif', '-monochrome')
    m.magick(
        'offset.gif',
        '-colors',
        60,
        '-repage',
        '120x90+10+7',
        note='ImageMagick gives the frame alone; browsers show the canvas (GIF89a, 18)',
    )
    m.magick('one.gif', '-crop', '1x1+4+4', '+repage')


def bmp_file(width, height, bits, pixels, compression=0, palette=b'', masks=b'', header=40):
    at = 14 + header + len(palette) + (len(masks) if header == 40 else 0)
    if header == 12:
        info = struct.pack('<IHHHH', 12, width, abs(height), 1, bits)
    else:
        info = struct.pack(
            '<IiiHHIIiiII',
            header,
            width,
            height,
            1,
            bits,
            compression,
            len(pixels),
            0,
            0,
            len(palette) // 4,
            0,
        )
        info = (info + masks).ljust(header, b'\0') if header > 40 else info + masks
    return b'BM' + struct.pack('<IHHI', at + len(pixels), 0, 0, at) + info + palette + pixels


def bmp(m):
    h, w = m.narrow.shape[:2]
    unit, bgr = m.narrow / 255, m.narrow[..., ::-1]
    m.pillow('24.bmp', m.rgb)
    m.pillow('8.bmp', m.palette)
    m.pillow('1.bmp', m.rgb.convert('1'))
    m.pillow('grey.bmp', m.grey)
    m.magick('rle8.bmp', '-colors', 100, '-compress', 'RLE')
    m.magick('4.bmp', '-colors', 16, '-type', 'palette', note='ImageMagick 6 writes 4 bits')
    m.magick('v2.bmp', '-colors', 100, '-define', 'bmp:format=bmp2')
    m.magick('v3.bmp', '-define', 'bmp:format=bmp3')
    m.magick('565.bmp', '-define', 'bmp:subtype=RGB565')
    m.magick('555.bmp', '-define', 'bmp:subtype=RGB555')
    m.magick('alpha.bmp', source='base-alpha.png')
    down = bgr.tobytes()
    m.add('top-down.bmp', save('top-down.bmp', bmp_file(w, -h, 24, down)), truth=unit)
    up = bgr[::-1].tobytes()
    m.add('core.bmp', save('core.bmp', bmp_file(w, h, 24, up, header=12)), truth=unit)
    four = np.dstack([bgr, np.full((h, w), 7, np.uint8)])[::-1]
    m.add('32-unused.bmp', save('32-unused.bmp', bmp_file(w, h, 32, four.tobytes())), truth=unit)
    ten = m.wide.astype(np.uint32) >> 6
    value = (ten[..., 0] << 20 | ten[..., 1] << 10 | ten[..., 2])[::-1].astype('<u4')
    masks = struct.pack('<III', 0x3FF00000, 0xFFC00, 0x3FF)
    m.add(
        'masks-10.bmp',
        save('masks-10.bmp', bmp_file(w, h, 32, value.tobytes(), 3, masks=masks)),
        truth=ten / 1023,
    )
    alpha = np.dstack([bgr, m.alpha])[::-1]
    masks = struct.pack('<IIII', 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    for header, word in ((56, 'v3-alpha'), (108, 'v4-alpha'), (124, 'v5-alpha')):
        m.add(
            word + '.bmp',
            save(word + '.bmp', bmp_file(w, h, 32, alpha.tobytes(), 3, masks=masks, header=header)),
            truth=on_white(np.dstack([unit, m.alpha / 255])),
        )
    colours = bytes((0, 0, 255, 0, 255, 0, 0, 0, 0, 255, 0, 0, 255, 255, 255, 0))
    two = packed((np.arange(w * h).reshape(h, w) // 3) % 4, 2)
    two = b''.join(two[i : i + w // 4] for i in range(0, len(two), w // 4))
    index = ((np.arange(w * h).reshape(h, w) // 3) % 4)[::-1]
    table = np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0], [1, 1, 1]], float)
    m.add('2.bmp', save('2.bmp', bmp_file(w, h, 2, two, palette=colours)), truth=table[index])
    runs = b'\x04\x12\x00\x05\x01\x23\x10\x00\x00\x00' + b'\x00\x02\x02\x01' + b'\x03\x33\x00\x01'
    indices = np.zeros((4, 9), int)
    indices[3, :9] = [1, 2, 1, 2, 0, 1, 2, 3, 1]
    indices[1, 2:5] = 3
    m.add(
        'rle4-steps.bmp',
        save('rle4-steps.bmp', bmp_file(9, 4, 4, runs, 2, palette=colours)),
        truth=table[indices],
    )


def pnm(m):
    h, w = m.narrow.shape[:2]
    unit = m.narrow / 255
    grey = np.dstack([m.grey8 / 255] * 3)
    bits = (m.grey8 < 128).astype(int)
    black = np.dstack([1.0 - bits] * 3)
    text = lambda a: '\n'.join(' '.join(map(str, row.ravel())) for row in a).encode() + b'\n'
    for name, data, truth in (
        ('p1.pbm', b'P1\n# made by hand\n%d %d\n' % (w, h) + text(bits), black),
        ('p1-dense.pbm', b'P1 %d %d ' % (w, h) + text(bits).replace(b' ', b''), black),
        ('p2.pgm', b'P2\n%d %d\n255\n' % (w, h) + text(m.grey8), grey),
        ('p3.ppm', b'P3\n%d %d\n255\n' % (w, h) + text(m.narrow), unit),
        ('p4.pbm', b'P4\n%d %d\n' % (w, h) + packed(bits, 1), black),
        ('p5.pgm', b'P5\n%d %d\n255\n' % (w, h) + m.grey8.tobytes(), grey),
        ('p6.ppm', b'P6 %d %d 255\n' % (w, h) + m.narrow.tobytes(), unit),
        (
            'p6-16.ppm',
            b'P6\n%d %d\n65535\n' % (w, h) + m.wide.astype('>u2').tobytes(),
            m.wide / 65535,
        ),
        (
            'p5-1000.pgm',
            b'P5\n%d %d\n1000\n' % (w, h) + (m.grey_unit * 1000).round().astype('>u2').tobytes(),
            np.dstack([(m.grey_unit * 1000).round() / 1000] * 3),
        ),
        (
            'rgba.pam',
            b'P7\nWIDTH %d\nHEIGHT %d\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n' % (w, h)
            + np.dstack([m.narrow, m.alpha]).tobytes(),
            on_white(np.dstack([unit, m.alpha / 255])),
        ),
        (
            'grey.pam',
            b'P7\nWIDTH %d\nHEIGHT %d\nDEPTH 1\nMAXVAL 255\nTUPLTYPE GRAYSCALE\nENDHDR\n' % (w, h)
            + m.grey8.tobytes(),
            grey,
        ),
    ):
        m.add(name, save(name, data), truth=truth)


def tga(m):
    m.pillow('24.tga', m.rgb)
    m.pillow('rle.tga', m.rgb, rle=True)
    m.pillow('32.tga', m.rgba)
    m.pillow('32-rle.tga', m.rgba, rle=True)
    m.pillow('grey.tga', m.grey)
    m.pillow('palette.tga', m.palette)
    m.pillow('palette-rle.tga', m.palette, rle=True)
    m.magick('magick.tga', '-compress', 'none')
    m.magick('magick-rle.tga', '-compress', 'RLE')
    h, w = m.narrow.shape[:2]
    five = m.narrow.astype(np.uint16) >> 3
    value = (five[..., 0] << 10 | five[..., 1] << 5 | five[..., 2]).astype('<u2')
    head = struct.pack('<BBBHHBHHHHBB', 0, 0, 2, 0, 0, 0, 0, 0, w, h, 16, 0x20)
    m.add('16.tga', save('16.tga', head + value.tobytes()), truth=five / 31)
    head = struct.pack('<BBBHHBHHHHBB', 0, 0, 2, 0, 0, 0, 0, 0, w, h, 24, 0x30)
    m.add(
        'from-right.tga',
        save('from-right.tga', head + m.narrow[:, ::-1, ::-1].tobytes()),
        truth=m.narrow / 255,
    )


def jxl(m):
    if not imagecodecs:
        return
    unit = m.narrow / 255
    rgba = np.dstack([m.narrow, m.alpha])
    for name, data, options, truth in (
        ('lossless.jxl', m.narrow, {'lossless': True}, unit),
        ('lossless16.jxl', m.wide, {'lossless': True}, None),
        ('alpha.jxl', rgba, {'lossless': True}, on_white(rgba / 255)),
        ('grey.jxl', m.grey8, {'lossless': True}, np.dstack([m.grey8 / 255] * 3)),
        ('lossy.jxl', m.narrow, {'distance': 0.5}, None),
    ):
        try:
            m.add(name, save(name, imagecodecs.jpegxl_encode(data, **options)), truth=truth)
        except Exception:
            m.add(name, False)
    m.run('cjxl.jxl', 'cjxl', 'base.png', 'cjxl.jxl', '-d', 0)
    m.run('cjxl-p3.jxl', 'cjxl', 'p3.png', 'cjxl-p3.jxl', '-d', 0)
    if m.has('cjxl-p3.jxl'):
        m.add('cjxl-p3.jxl', True, truth=converted(m, unit, 'p3'))
    m.run('from-jpeg.jxl', 'cjxl', '444.jpg', 'from-jpeg.jxl')


def jp2(m):
    unit = m.narrow / 255
    m.pillow('lossless.jp2', m.rgb, irreversible=False, truth=unit)
    m.pillow('lossy.jp2', m.rgb, irreversible=True, quality_mode='dB', quality_layers=[40])
    m.pillow('grey.jp2', m.grey)
    m.pillow('alpha.jp2', m.rgba)
    m.pillow('bare.j2k', m.rgb)
    m.pillow('tiled.jp2', m.rgb, tile_size=(32, 32))
    m.run('16.jp2', 'opj_compress', '-i', 'base16.ppm', '-o', '16.jp2')
    if m.has('16.jp2'):
        m.add('16.jp2', True, truth=m.wide / 65535)


def exr(m):
    try:
        import OpenEXR
    except ImportError:
        return
    light = decode(m.wide / 65535)
    alpha = (m.alpha / 255).astype(np.float32)
    for name, channels, truth in (
        ('float.exr', {'RGB': light.astype(np.float32)}, m.wide / 65535),
        ('half.exr', {'RGB': light.astype(np.float16)}, m.wide / 65535),
        (
            'alpha.exr',
            {'RGBA': np.dstack([light * alpha[..., None], alpha]).astype(np.float32)},
            on_white(np.dstack([m.wide / 65535, alpha])),
        ),
        (
            'luma.exr',
            {'Y': light[..., 1].astype(np.float32)},
            np.dstack([m.wide[..., 1] / 65535] * 3),
        ),
    ):
        for word, compression in (('', OpenEXR.ZIP_COMPRESSION), ('-piz', OpenEXR.PIZ_COMPRESSION)):
            full = name.replace('.exr', word + '.exr')
            try:
                header = {'compression': compression, 'type': OpenEXR.scanlineimage}
                OpenEXR.File(
                    header, {k: np.ascontiguousarray(v) for k, v in channels.items()}
                ).write(full)
                m.add(full, True, truth=truth)
            except Exception:
                m.add(full, False)
