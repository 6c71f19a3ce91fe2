/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxensr: the toolstack side of saving and restoring Xen domains.
 *
 * A context holds options and logging; one operation at a time runs on it.
 * All strings and structs are the caller's unless a function says otherwise.
 * Functions return 0 or one of enum xensr_result; the text of the last error
 * is in xensr_error(). Not thread-safe, except xensr_interrupt().
 */
#ifndef XENSR_H
#define XENSR_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XENSR_API __attribute__((visibility("default")))

struct xensr; /* the context */

/* The same numbers are the exit codes of the xensr command. */
enum xensr_result {
    XENSR_OK = 0,
    XENSR_FAILED = 1,      /* failed; nothing changed or all undone */
    XENSR_USAGE = 2,       /* the caller's arguments are wrong */
    XENSR_BAD_INPUT = 3,   /* the stream is damaged or refused */
    XENSR_UNSUPPORTED = 4, /* valid, but not supported here */
    XENSR_LOOK = 5         /* failed, and somebody must look */
};

enum xensr_level {
    XENSR_LOG_ERROR,
    XENSR_LOG_WARN,
    XENSR_LOG_INFO,
    XENSR_LOG_DEBUG
};

struct xensr_options {
    /* Save helper to run; NULL: $XENSR_HELPER, else the one we ship. */
    const char *helper;
    /* Folder of device-model files; NULL: $XENSR_DM_DIR, else /var/lib/xen. */
    const char *dm_dir;
    /* Our own state (configuration of bare domains); NULL: $XENSR_STATE_DIR,
       else /run/xensr. */
    const char *state_dir;
    unsigned helper_ack_ms;  /* complete -> exit; 0: 10 s */
    unsigned helper_term_ms; /* SIGTERM -> SIGKILL; 0: 10 s */
    unsigned stall_ms;       /* no sign of life while a message is half
                                received; 0: 30 s */
    unsigned hang_ms;        /* helper neither reads nor reports although
                                input waits for it; 0: 120 s */
    /* May be NULL. text: one line, no newline. */
    void (*on_log)(void *ctx, enum xensr_level level, const char *text);
    /* done of total (0: unknown), both in units of 4 KiB pages. May be NULL. */
    void (*on_progress)(void *ctx, const char *what, uint64_t done,
                        uint64_t total);
    enum xensr_level max_level;
    void *ctx;
};

XENSR_API int xensr_open(const struct xensr_options *options,
                         struct xensr **xensr_out);
XENSR_API void xensr_close(struct xensr *x); /* NULL is fine */
XENSR_API const char *xensr_error(const struct xensr *x);
/* Byte offset in the input the last error is about, UINT64_MAX if none. */
XENSR_API uint64_t xensr_error_offset(const struct xensr *x);

/* Ask the running operation to stop and undo; async-signal- and thread-safe. */
XENSR_API void xensr_interrupt(struct xensr *x);

enum xensr_guest { XENSR_PV, XENSR_PVH, XENSR_HVM };

struct xensr_restore_params {
    int fd;                  /* input, at the first byte; borrowed, blocking;
                                after success it stands behind END */
    const char *name;        /* name of the new domain; NULL: as saved */
    const char *config_json; /* replaces the saved one, and is needed for a
                                bare libxl stream without xl header; NULL */
    bool paused;             /* leave it paused */
    /* Bytes already taken from the input that come before fd's next byte: a
       peeked magic. The helper cannot see them, so none may belong to the
       guest image: n_head <= 24 fits every input. */
    const void *head;
    uint32_t n_head;
    /* The input is a whole file: bytes behind END are refused. */
    bool must_end;
    /* Start an HVM domain too. Only a simulated host can run one without a
       device model, and this library starts none: otherwise an HVM domain is
       left paused, with a warning. */
    bool start_hvm;
    /* Called once END was read (and the end of the input, with must_end) and
       before the domain starts; the fd is not used any more. Non-zero refuses
       the input: text (at most text_len bytes) says why. May be NULL. */
    int (*on_input_end)(void *ctx, char *text, unsigned text_len);
    void *ctx;
};

struct xensr_restored {
    uint32_t domid;
    enum xensr_guest guest;
    char name[128];
    char uuid[37];
    uint32_t n_vcpus;
    uint64_t memory_kb;              /* target */
    uint64_t store_gfn, console_gfn; /* PV: mfn */
    uint32_t store_port, console_port;
    char emulator_file[256]; /* "" unless HVM */
    uint64_t emulator_len;
    uint64_t n_pages;      /* populated pages Xen counts for it */
    uint64_t stream_bytes; /* libxl stream, header to END; 0: unknown,
                              because a pipe does not tell its offset */
    bool paused;           /* it was left paused */
};

/*
 * Restore one domain as a bare toolstack (no libxl): create it, fill it from
 * the stream through a helper, write xenstore, emulator file, console; unpause
 * unless told otherwise. On any failure nothing is left behind. The fd's
 * O_NONBLOCK is cleared for the duration and restored.
 *
 * An image without CPUID policy (Xen before 4.14) is restored with a warning:
 * the domain keeps the host's default policy. Name and UUID must not be in use.
 * The helper dies with the calling thread.
 */
XENSR_API int xensr_restore(struct xensr *x,
                            const struct xensr_restore_params *params,
                            struct xensr_restored *restored_out);

/*
 * Destroy a domain and everything of it in xenstore and on disk. XENSR_LOOK: it
 * was begun, and something is left.
 */
XENSR_API int xensr_destroy(struct xensr *x, uint32_t domid);

#ifdef __cplusplus
}
#endif
#endif
