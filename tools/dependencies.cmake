# SPDX-License-Identifier: MIT
#
# Finds what library and program are built on; one message names everything that is missing, and
# the packages that bring it. Sets IMP_DEPENDENCIES, and IMP_PROGRAM_DEPENDENCIES, which the library
# does without. tools/impastoConfig.cmake.in looks for the former.

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
    pkg_check_modules(ZIP QUIET IMPORTED_TARGET libzip)
    pkg_check_modules(HDF5 QUIET IMPORTED_TARGET hdf5)
    pkg_check_modules(WEBP QUIET IMPORTED_TARGET libwebp libwebpdemux libwebpmux)
    pkg_check_modules(TIFF QUIET IMPORTED_TARGET libtiff-4>=4.5)
    pkg_check_modules(LCMS QUIET IMPORTED_TARGET lcms2)
    pkg_check_modules(EXIF QUIET IMPORTED_TARGET libexif)
    pkg_check_modules(PANGO QUIET IMPORTED_TARGET pangocairo)
    if(IMP_TESTS)
        pkg_check_modules(CMOCKA QUIET IMPORTED_TARGET cmocka)
    endif()
endif()

# What a build can do without. IMP_TAKEN: those that are there, IMP_MODULES: what pkg-config calls
# them, IMP_FIND_MODULES: how a static user finds them again.
set(IMP_TAKEN "")
set(IMP_MODULES "")
set(IMP_FIND_MODULES "")
function(imp_take prefix)
    if(PkgConfig_FOUND)
        pkg_check_modules(${prefix} QUIET IMPORTED_TARGET ${ARGN})
    endif()
    list(JOIN ARGN " " names)
    set(${prefix}_FOUND "${${prefix}_FOUND}" PARENT_SCOPE)
    if(NOT ${prefix}_FOUND)
        message(STATUS "Without ${names}: tools/setup installs them")
        return()
    endif()
    set(IMP_TAKEN ${IMP_TAKEN} ${prefix} PARENT_SCOPE)
    set(IMP_MODULES "${IMP_MODULES} ${names}" PARENT_SCOPE)
    string(APPEND IMP_FIND_MODULES
           "pkg_check_modules(${prefix} REQUIRED QUIET IMPORTED_TARGET ${names})\n")
    set(IMP_FIND_MODULES "${IMP_FIND_MODULES}" PARENT_SCOPE)
endfunction()
if(IMP_HEIF)
    imp_take(HEIF libheif)
endif()
imp_take(AV libavformat libavcodec libavfilter libavutil) # films

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
imp_need("${ZIP_FOUND}" "libzip" libzip-dev libzip-devel libzip libzip)
imp_need("${HDF5_FOUND}" "HDF5" libhdf5-dev hdf5-devel hdf5 hdf5)
imp_need("${PANGO_FOUND}" "Pango with cairo" libpango1.0-dev pango-devel pango pango)
if(IMP_TESTS)
    imp_need("${CMOCKA_FOUND}" "CMocka (or set IMP_TESTS=OFF)" libcmocka-dev libcmocka-devel cmocka
             cmocka)
endif()
if(missing)
    message(FATAL_ERROR "Missing libraries, and the packages that bring them:\n${missing}"
            "tools/setup installs them where it can.")
endif()

set(IMP_DEPENDENCIES OpenCL::OpenCL PkgConfig::CLBLAST PNG::PNG JPEG::JPEG PkgConfig::WEBP
    PkgConfig::TIFF PkgConfig::LCMS PkgConfig::EXIF PkgConfig::JANSSON PkgConfig::ZIP
    PkgConfig::HDF5 OpenSSL::Crypto CURL::libcurl Threads::Threads m)
foreach(prefix IN LISTS IMP_TAKEN)
    list(APPEND IMP_DEPENDENCIES PkgConfig::${prefix})
endforeach()
set(IMP_PROGRAM_DEPENDENCIES PkgConfig::PANGO)
