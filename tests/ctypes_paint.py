#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program that opens impasto.h, from Python by ctypes, with settings by name.

usage: ctypes_paint.py LIBRARY CONTENT STYLE OUT [SAME]

SAME: a picture that must come out the same, pixel by pixel. Also asserts that wrong settings are
refused with a message, and prints every setting with its value.
"""
import ctypes as c
import sys

STYLES_MAX, TEXT_MAX, API_VERSION = 16, 2048, 1


class Error(c.Structure):
    _fields_ = [("status", c.c_int), ("text", c.c_char * 512)]


class Origin(c.Structure):
    _fields_ = [("make", c.c_char * 64), ("model", c.c_char * 64), ("date", c.c_char * 20)]


class Picture(c.Structure):
    _fields_ = [("width", c.c_size_t), ("height", c.c_size_t), ("rgb", c.POINTER(c.c_float)),
                ("opacity", c.POINTER(c.c_float)), ("alpha", c.c_bool), ("origin", Origin),
                ("sha256", c.c_char * 65)]


class Style(c.Structure):
    _fields_ = [("picture", c.POINTER(Picture)), ("weight", c.c_float),
                ("mask", c.POINTER(Picture))]


class Sources(c.Structure):
    _fields_ = [("content", c.POINTER(Picture)), ("styles", Style * STYLES_MAX),
                ("init", c.POINTER(Picture)), ("mask", c.POINTER(Picture)), ("reuse", c.c_void_p),
                ("protect", c.POINTER(Picture)), ("protect_strength", c.c_float)]


class Setting(c.Structure):
    _fields_ = [("name", c.c_char_p), ("older", c.c_char_p), ("type", c.c_int),
                ("low", c.c_double), ("high", c.c_double), ("unit", c.c_char_p),
                ("off", c.c_char_p), ("words", c.c_char_p), ("syntax", c.c_char_p),
                ("meaning", c.c_char_p)]


class Failure(Exception):
    pass


class Impasto:
    """Calls functions of the library; a status that is not IMP_OK becomes a Failure."""

    def __init__(self, path):
        self.lib = c.CDLL(path)
        self.lib.imp_settings_size.restype = c.c_size_t
        self.lib.imp_setting_at.restype = c.POINTER(Setting)
        self.lib.imp_setting_at.argtypes = [c.c_size_t]
        if self.lib.imp_api_version() != API_VERSION:
            raise Failure("the library has another revision of impasto.h")

    def __call__(self, name, *arguments):
        error = Error()
        if getattr(self.lib, name)(*arguments, c.byref(error)) != 0:
            raise Failure(error.text.decode())

    def settings(self, **values):
        size = c.c_size_t(self.lib.imp_settings_size())
        settings = c.create_string_buffer(size.value)
        self.lib.imp_settings_init(settings, size)
        for name, value in values.items():
            self.set(settings, name.replace("_", "-"), str(value))
        return settings

    def set(self, settings, name, value):
        self("imp_settings_set", settings, name.encode(), value.encode())

    def get(self, settings, name):
        text = c.create_string_buffer(TEXT_MAX)
        self("imp_settings_get", settings, name.encode(), text, c.c_size_t(TEXT_MAX))
        return text.value.decode()

    def table(self):
        i = 0
        while self.lib.imp_setting_at(i):
            yield self.lib.imp_setting_at(i).contents
            i += 1

    def read(self, path):
        picture = Picture()
        self("imp_picture_read", c.byref(picture), path.encode(), None)
        return picture


def assert_refused(impasto, name, value, expected):
    settings = impasto.settings()
    before = settings.raw
    try:
        impasto.set(settings, name, value)
    except Failure as failure:
        assert expected in str(failure), failure
        assert settings.raw == before
    else:
        raise AssertionError("%s = %s is taken" % (name, value))


def show_table(impasto, settings):
    rows = list(impasto.table())
    for row in rows:
        name = row.name.decode()
        print("%-20s %s" % (name, impasto.get(settings, name)))
    assert len(rows) > 40


def paint(impasto, settings, content_path, style_path, out):
    content, style = impasto.read(content_path), impasto.read(style_path)
    sources = Sources(content=c.pointer(content))
    sources.styles[0] = Style(picture=c.pointer(style), weight=1)
    device, network, session = c.c_void_p(), c.c_void_p(), c.c_void_p()
    result = Picture()
    impasto("imp_device_open", c.byref(device), b"auto", None)
    impasto("imp_network_open", c.byref(network), b"builtin")
    impasto("imp_session_open", c.byref(session), device, network, settings, c.byref(sources))
    impasto("imp_session_run", session, None, None)
    impasto("imp_session_picture", session, c.byref(result))
    impasto("imp_picture_write", c.byref(result), out.encode(), None)
    for picture in content, style, result:
        impasto.lib.imp_picture_finish(c.byref(picture))
    impasto.lib.imp_session_close(session)
    impasto.lib.imp_network_close(network)
    impasto.lib.imp_device_close(device)


def values(picture):
    return picture.width, picture.height, picture.rgb[:3 * picture.width * picture.height]


def main(library, content, style, out, same=None):
    impasto = Impasto(library)
    settings = impasto.settings(size=64, iterations=5)
    show_table(impasto, settings)
    assert_refused(impasto, "beta2", "-5", "setting 'beta2': invalid value '-5'; expected a number")
    assert_refused(impasto, "optimizer", "sgd", "expected one of lbfgs|adam")
    assert_refused(impasto, "xyzzy", "1", "xyzzy")
    assert impasto.get(impasto.settings(settle=3), "convergence") == "3"
    paint(impasto, settings, content, style, out)
    if same:
        assert values(impasto.read(out)) == values(impasto.read(same))


main(*sys.argv[1:])
