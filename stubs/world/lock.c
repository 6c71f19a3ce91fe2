/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host lock: one per simulated host, shared by stubs/hv and stubs/xs. It
 * is flock() on the file "lock", so the kernel gives it back when its holder
 * dies in any way; a mutex in front of it makes it work between the threads of
 * one process, since flock belongs to the open file.
 *
 * After fork the child must not share the parent's open file, or both would
 * hold the lock at once: the child forgets the descriptor and opens its own.
 */
#include "stubs/world/host.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

static pthread_mutex_t mutex;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct xsr_sim_file lock_file = XSR_SIM_FILE_INIT;
static unsigned depth; /* of the thread that has the mutex */

static void init_mutex(void)
{
    pthread_mutexattr_t attr;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&mutex, &attr);
    pthread_mutexattr_destroy(&attr);
}

/* fork happens with the mutex free, so that the child gets a usable one. */
static void before_fork(void)
{
    pthread_mutex_lock(&mutex);
}

static void after_fork_parent(void)
{
    pthread_mutex_unlock(&mutex);
}

static void after_fork_child(void)
{
    if (xsr_sim_file_ours(&lock_file))
        close(lock_file.fd);
    lock_file.fd = -1;
    depth = 0;
    init_mutex();
}

static void init_once(void)
{
    init_mutex();
    pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

/* Without its lock the host cannot be used at all. */
static void die(const char *what)
{
    fprintf(stderr, "xensr-sim: cannot lock the simulated host: %s\n", what);
    abort();
}

void xsr_sim_lock(void)
{
    struct xsr_err err = XSR_ERR_INIT;
    int saved = errno;

    pthread_once(&once, init_once);
    pthread_mutex_lock(&mutex);
    if (depth++ > 0)
        return;
    if (xsr_sim_file_get(&lock_file, "lock", O_RDWR | O_CREAT, &err) < 0)
        die(err.text);
    while (flock(lock_file.fd, LOCK_EX) < 0) {
        if (errno != EINTR)
            die("flock");
    }
    errno = saved;
}

void xsr_sim_unlock(void)
{
    int saved = errno;

    if (--depth == 0)
        flock(lock_file.fd, LOCK_UN);
    pthread_mutex_unlock(&mutex);
    errno = saved;
}
