/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The input of a command: a file or "-" (standard input), zstd-compressed or
 * not, recognised by its magic. Compressed input is unpacked by a forked child
 * into a pipe, so that in->fd is always something that a save helper can read.
 *
 *   open -> (read head[0..n_head), then fd) -> close, which says whether the
 *   compressed data were whole
 */
#ifndef XSR_TOOLS_INPUT_H
#define XSR_TOOLS_INPUT_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/buf.h"

struct xsr_input {
    int fd;          /* read the input here, behind the head; borrowed by
                        everybody, closed by xsr_input_close() */
    bool seekable;   /* fd is a plain regular file: lseek() works on it */
    bool zstd;       /* fd is a pipe from the decompressor */
    uint64_t size;   /* of what lies on disk, from the starting position;
                        0 = unknown. Same unit as xsr_input_pos() */
    uint8_t head[8]; /* taken from a plain pipe to look at the magic: come */
    uint32_t n_head; /* before fd's first byte. 0 for files and zstd */
    char name[64];   /* for messages: quoted and shortened path */
    /* private */
    int source;     /* the file or standard input itself */
    int report;     /* read end: the decompressor's last words */
    pid_t pid;      /* the decompressor, or -1 */
    uint64_t start; /* file position at which the input begins */
};
#define XSR_INPUT_INIT                                 \
    {                                                  \
        -1, false, false, 0, {0}, 0, "", -1, -1, -1, 0 \
    }

int xsr_input_open(struct xsr_input *in, const char *path, struct xsr_err *err);

/*
 * Bytes of the source consumed so far (compressed ones for zstd), for progress.
 * -1 if the source cannot tell (a pipe).
 */
int64_t xsr_input_pos(const struct xsr_input *in);

/*
 * Is anything behind the image a mistake? A device has room there; a file and a
 * pipe end with it.
 */
bool xsr_input_must_end(const struct xsr_input *in);

/*
 * End it; idempotent. success: the caller has read what it wanted. Fails when
 * the decompressor did: XSR_E_FORMAT, the compressed data were damaged or cut
 * off; XSR_E_UNSUPPORTED, they need too large a window; XSR_E_IO, XSR_E_NOMEM.
 * Prefer that error over the one which the resulting short stream gave. A
 * decompressor that is still running is ended without complaint.
 */
int xsr_input_close(struct xsr_input *in, bool success, struct xsr_err *err);

/* The whole of a configuration file into an empty buffer, NUL-terminated. */
int xsr_input_read_config(const char *path, struct xsr_buf *out,
                          struct xsr_err *err);

#endif
