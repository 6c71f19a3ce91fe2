/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes one node of the simulated host's xenstore, for tests that need what
 * another toolstack has left there:
 *
 *     xensr sim run -- xswrite PATH VALUE
 *
 * Found at run time, because libxenstore is the host's there.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef void *xs_open_fn(unsigned long flags);
typedef bool xs_write_fn(void *xs, uint32_t t, const char *path,
                         const void *data, unsigned len);

int main(int argc, char **argv)
{
    void *lib = dlopen("libxenstore.so.4", RTLD_NOW), *xs;
    xs_write_fn *write_node;
    xs_open_fn *open_store;

    if (argc != 3 || !lib) {
        fprintf(stderr, "xswrite: %s\n", lib ? "PATH VALUE" : dlerror());
        return 2;
    }
    *(void **)&open_store = dlsym(lib, "xs_open");
    *(void **)&write_node = dlsym(lib, "xs_write");
    if (!open_store || !write_node)
        return 2;
    xs = open_store(0);
    if (!xs || !write_node(xs, 0, argv[1], argv[2], (unsigned)strlen(argv[2])))
        return 1;
    return 0;
}
