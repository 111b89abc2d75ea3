# SPDX-License-Identifier: MIT
#
# Finds what the library is built on; one message names everything that is missing, and the packages
# that bring it. Sets IMP_DEPENDENCIES. tools/impastoConfig.cmake.in looks for the same.

find_package(PkgConfig QUIET)
find_package(Threads QUIET)
find_package(OpenCL QUIET)
find_package(PNG QUIET)
find_package(JPEG QUIET)
find_package(OpenSSL QUIET COMPONENTS Crypto SSL)
find_package(CURL 7.85 QUIET)
if(PkgConfig_FOUND)
    pkg_check_modules(CLBLAST QUIET IMPORTED_TARGET clblast)
    pkg_check_modules(JANSSON QUIET IMPORTED_TARGET jansson)
    pkg_check_modules(WEBP QUIET IMPORTED_TARGET libwebp libwebpdemux libwebpmux)
    pkg_check_modules(TIFF QUIET IMPORTED_TARGET libtiff-4>=4.5)
    pkg_check_modules(LCMS QUIET IMPORTED_TARGET lcms2)
    pkg_check_modules(EXIF QUIET IMPORTED_TARGET libexif)
    if(IMP_HEIF)
        pkg_check_modules(HEIF QUIET IMPORTED_TARGET libheif)
    endif()
    if(IMP_TESTS)
        pkg_check_modules(CMOCKA QUIET IMPORTED_TARGET cmocka)
    endif()
endif()

set(missing "")
function(imp_need found what apt dnf pacman brew)
    if(NOT found)
        string(APPEND missing "  ${what}: apt ${apt}, dnf ${dnf}, pacman ${pacman}, brew ${brew}\n")
        set(missing "${missing}" PARENT_SCOPE)
    endif()
endfunction()
imp_need("${PkgConfig_FOUND}" "pkg-config" pkg-config pkgconf pkgconf pkgconf)
imp_need("${Threads_FOUND}" "POSIX threads" libc6-dev glibc-devel glibc "(part of the system)")
imp_need("${OpenCL_FOUND}" "OpenCL headers and loader" ocl-icd-opencl-dev ocl-icd-devel
         "opencl-headers ocl-icd" "opencl-headers opencl-icd-loader")
imp_need("${CLBLAST_FOUND}" "CLBlast" libclblast-dev clblast-devel clblast clblast)
imp_need("${PNG_FOUND}" "libpng" libpng-dev libpng-devel libpng libpng)
imp_need("${JPEG_FOUND}" "libjpeg-turbo" libjpeg-dev libjpeg-turbo-devel libjpeg-turbo jpeg-turbo)
imp_need("${JANSSON_FOUND}" "Jansson" libjansson-dev jansson-devel jansson jansson)
imp_need("${WEBP_FOUND}" "libwebp" libwebp-dev libwebp-devel libwebp webp)
imp_need("${TIFF_FOUND}" "libtiff 4.5" libtiff-dev libtiff-devel libtiff libtiff)
imp_need("${LCMS_FOUND}" "Little CMS" liblcms2-dev lcms2-devel lcms2 little-cms2)
imp_need("${EXIF_FOUND}" "libexif" libexif-dev libexif-devel libexif libexif)
imp_need("${OpenSSL_FOUND}" "OpenSSL (libcrypto)" libssl-dev openssl-devel openssl openssl@3)
imp_need("${CURL_FOUND}" "libcurl, 7.85 or later" libcurl4-openssl-dev libcurl-devel curl curl)
if(IMP_TESTS)
    imp_need("${CMOCKA_FOUND}" "CMocka (or set IMP_TESTS=OFF)" libcmocka-dev libcmocka-devel cmocka
             cmocka)
endif()
if(missing)
    message(FATAL_ERROR "Missing libraries, and the packages that bring them:\n${missing}"
            "tools/setup installs them where it can.")
endif()

set(IMP_DEPENDENCIES OpenCL::OpenCL PkgConfig::CLBLAST PNG::PNG JPEG::JPEG PkgConfig::WEBP
    PkgConfig::TIFF PkgConfig::LCMS PkgConfig::EXIF PkgConfig::JANSSON OpenSSL::Crypto
    CURL::libcurl Threads::Threads m)
# What is built without where it is missing; host/media/heif.c knows.
set(IMP_PC_OPTIONAL "")
if(HEIF_FOUND)
    list(APPEND IMP_DEPENDENCIES PkgConfig::HEIF)
    set(IMP_PC_OPTIONAL "libheif")
endif()
