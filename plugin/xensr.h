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
    /* Folder of device-model sockets (qmp-libxl-DOMID); NULL: $XENSR_RUN_DIR,
       else /run/xen. */
    const char *run_dir;
    /* Program that a restored HVM domain gets as its device model (QEMU's
       options as libxl gives them); NULL: $XENSR_DEVICE_MODEL, else none. */
    const char *device_model;
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
    /* Converter of legacy streams (what libxl has LIBXL_CONVERT_HELPER for);
       NULL: $XENSR_CONVERTER, else the one we ship. */
    const char *converter;
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
    const char *name_suffix; /* appended to the name, if it has one; neither
                                of the two may be in use. NULL: none */
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
    /* Start an HVM domain also if options.device_model names nothing, which
       only a simulated host can run. Otherwise it is left paused then, with a
       warning. */
    bool start_hvm;
    /* The caller will let it run later on: an HVM domain that could not, for
       want of a device model, is refused before its memory is read. */
    bool will_run;
    /* The guest may still be on this host, as the domain that is sent here:
       a running or suspended domain that has both its UUID and its name is no
       obstacle. Needs name_suffix. */
    bool same_host;
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

enum xensr_keep {
    XENSR_KEEP_NOTHING, /* destroy the guest */
    XENSR_KEEP_RUNNING, /* let it run on */
    XENSR_KEEP_PAUSED   /* resume it, but paused */
};

/* What the application says when the whole stream has been written. */
enum xensr_verdict {
    XENSR_SAFE,    /* it is safe: do as params.keep says */
    XENSR_REFUSED, /* it is not: the guest runs on here, the save failed */
    XENSR_UNKNOWN  /* nobody can tell: the guest stays suspended, XENSR_LOOK */
};

struct xensr_save_stats {
    uint64_t stream_bytes;       /* written to fd */
    uint64_t n_pages;            /* pages of the guest sent, repeats counted */
    uint64_t memory_pages;       /* the guest has so many */
    unsigned n_rounds;           /* pre-copy rounds */
    uint64_t total_ms, pause_ms; /* all; from suspend to resume or safe */
    bool live;                   /* false: asked for, but not possible */
};

struct xensr_save_params {
    uint32_t domid;
    int fd;    /* output, borrowed; file, pipe or socket */
    bool live; /* send memory while the guest runs */
    bool verify;
    bool bare; /* libxl stream only, without the xl header */
    /* Configuration to send (libxl's JSON); NULL: that of the running domain,
       from libxl's or our own state, brought up to date. */
    const char *config_json;
    unsigned suspend_ms; /* patience for the guest; 0: 60 s */
    enum xensr_keep keep;
    /* Called before the guest is asked to suspend: about so many bytes are
       still to come (an upper bound; of a live save, which has sent the memory
       already, an estimate). Non-zero refuses: text says why, and the guest
       never notices. May be NULL. */
    int (*on_suspend)(void *ctx, uint64_t bytes_to_come, char *text,
                      unsigned text_len);
    /* END was written; the guest is suspended. Make the copy safe (sync,
       rename, hand over), then say what it is; text says why for the other
       verdicts. May be NULL: XENSR_SAFE. xensr_interrupt() has no effect any
       more once this returned; while it runs it is the application's. */
    enum xensr_verdict (*on_written)(void *ctx,
                                     const struct xensr_save_stats *stats,
                                     char *text, unsigned text_len);
    void *ctx;
};

struct xensr_saved {
    uint32_t domid;
    enum xensr_guest guest;
    char name[128];
    char uuid[37];
    struct xensr_save_stats stats;
    bool destroyed, paused; /* what became of the guest */
};

/*
 * Save one domain (made by libxl or by xensr_restore) as an xl save file:
 * header and configuration, LIBXC_CONTEXT through a helper, emulator records
 * of HVM guests, END. On any failure the guest is as it was before, running
 * again if it ran; XENSR_LOOK when that could not be done, with what to do in
 * the text. The guest is destroyed only after on_written said XENSR_SAFE.
 */
XENSR_API int xensr_save(struct xensr *x,
                         const struct xensr_save_params *params,
                         struct xensr_saved *saved_out);

/* Give a domain another name (xenstore and stored configuration). */
XENSR_API int xensr_rename(struct xensr *x, uint32_t domid, const char *name);
/* Let a paused domain run (HVM: its device model first). */
XENSR_API int xensr_unpause(struct xensr *x, uint32_t domid);
/* Number of the domain of that name; XENSR_FAILED: there is none. */
XENSR_API int xensr_find(struct xensr *x, const char *name,
                         uint32_t *domid_out);

struct xensr_migrate_params {
    uint32_t domid;
    int out_fd, in_fd; /* to and from the receiver; borrowed */
    bool live, verify;
    unsigned suspend_ms;
    const char *config_json; /* as in struct xensr_save_params */
    /* Patience for each message of the receiver; 0: 5 min until it is ready
       for the stream, 10 min from END until it has built the guest, 2 min
       for its last word. */
    unsigned answer_ms;
};

/*
 * Migrate a domain to the receiver behind the two descriptors, which may be
 * `xl migrate-receive` or our own (docs/formats/migrate-handshake.md). On
 * failure before the hand-over the guest runs on here; XENSR_LOOK: the
 * receiver was told that the guest is its own, and no answer came; the text
 * says how to find out who has it.
 */
XENSR_API int xensr_migrate(struct xensr *x,
                            const struct xensr_migrate_params *params,
                            struct xensr_saved *saved_out);

struct xensr_receive_params {
    int in_fd, out_fd;       /* from and to the sender; borrowed */
    bool paused;             /* leave the guest paused */
    const char *config_json; /* replaces the one that was sent */
    bool start_hvm;          /* as in struct xensr_restore_params */
    bool same_host;          /* the sender may be this host: it may have the
                                guest until it gives it away, not afterwards */
    unsigned answer_ms;      /* for each message of the sender; 0: 10 min */
};

/*
 * Receive a migrated domain from xensr_migrate() or `xl migrate`. On failure
 * nothing is left here, and the sender is told as far as it listens.
 * XENSR_LOOK: the guest is here (*restored_out is filled in), but the sender
 * could not be told; or it could not be removed.
 */
XENSR_API int xensr_receive(struct xensr *x,
                            const struct xensr_receive_params *params,
                            struct xensr_restored *restored_out);

/*
 * Let a domain run on that a save has left suspended, as if its suspend had
 * been cancelled (HVM: its device model first). Log-dirty mode is switched off.
 */
XENSR_API int xensr_resume(struct xensr *x, uint32_t domid);

/*
 * Destroy a domain and everything of it in xenstore and on disk. XENSR_LOOK: it
 * was begun, and something is left.
 */
XENSR_API int xensr_destroy(struct xensr *x, uint32_t domid);

#ifdef __cplusplus
}
#endif
#endif
