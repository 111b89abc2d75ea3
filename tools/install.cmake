# SPDX-License-Identifier: MIT
#
# The files that `cmake --install` installs, in the places that distributions expect.

include(CMakePackageConfigHelpers)

install(TARGETS impasto_static impasto_shared EXPORT impasto)
install(FILES include/impasto.h TYPE INCLUDE)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/impasto)
install(EXPORT impasto NAMESPACE impasto:: FILE impastoTargets.cmake DESTINATION ${package})
configure_package_config_file(tools/impastoConfig.cmake.in impastoConfig.cmake
                              INSTALL_DESTINATION ${package})
write_basic_package_version_file(impastoConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/impastoConfig.cmake ${CMAKE_BINARY_DIR}/impastoConfigVersion.cmake
        DESTINATION ${package})
# Paths relative to the installed file, unless the folders are absolute.
file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR} /)
cmake_path(APPEND pc_libdir "\${prefix}" ${CMAKE_INSTALL_LIBDIR})
cmake_path(APPEND pc_includedir "\${prefix}" ${CMAKE_INSTALL_INCLUDEDIR})
configure_file(tools/impasto.pc.in impasto.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/impasto.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The program itself writes the man page and the completions from its table of options.
if(TARGET impasto)
    install(TARGETS impasto)
    set(documents "")
    function(imp_document file folder)
        set(path ${CMAKE_BINARY_DIR}/documents/${file})
        add_custom_command(OUTPUT ${path}
            COMMAND impasto help ${ARGN} > ${path} DEPENDS impasto VERBATIM)
        install(FILES ${path} DESTINATION ${folder})
        set(documents ${documents} ${path} PARENT_SCOPE)
    endfunction()
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/documents)
    imp_document(impasto.1 ${CMAKE_INSTALL_MANDIR}/man1 --man)
    imp_document(impasto ${CMAKE_INSTALL_DATADIR}/bash-completion/completions --completion bash)
    imp_document(_impasto ${CMAKE_INSTALL_DATADIR}/zsh/site-functions --completion zsh)
    imp_document(impasto.fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d --completion fish)
    add_custom_target(imp_documents ALL DEPENDS ${documents})
endif()
