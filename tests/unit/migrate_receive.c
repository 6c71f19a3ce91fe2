/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plugin/migrate/receive: the receiver's half of the handshake against a
 * scripted sender. Without the whole of GO nothing stays here; with it the
 * guest is ours, unless it is destroyed first and then given back.
 */
#include "migrate_world.h"

int xensr_restore(struct xensr *x, const struct xensr_restore_params *params,
                  struct xensr_restored *restored_out)
{
    char stream[STREAM_LEN];
    size_t n;

    assert_true(params->paused && !params->must_end);
    assert_int_equal(params->same_host, world.same_host);
    assert_int_equal(xsr_context_begin(x), XENSR_OK);
    x->busy = false;
    for (n = 0; n < sizeof(stream); n++)
        if (read(params->fd, stream + n, 1) != 1)
            world.restore_fails = true;
    if (world.restore_fails) {
        snprintf(x->text, sizeof(x->text), "the stream is damaged");
        return XENSR_BAD_INPUT;
    }
    assert_memory_equal(stream, STREAM, sizeof(stream));
    world.exists = true;
    world.runs = false;
    snprintf(world.name, sizeof(world.name), "web%s", params->name_suffix);
    restored_out->domid = 9;
    restored_out->paused = true;
    snprintf(restored_out->name, sizeof(restored_out->name), "%s", world.name);
    return XENSR_OK;
}

int xensr_destroy(struct xensr *x, uint32_t domid)
{
    assert_int_equal(xsr_context_begin(x), XENSR_OK);
    x->busy = false;
    assert_int_equal(domid, 9);
    if (world.destroy_fails) {
        snprintf(x->text, sizeof(x->text), "it does not go");
        return XENSR_FAILED;
    }
    world.exists = world.runs = false;
    return XENSR_OK;
}

static struct {
    struct octets heard; /* by the sender */
    char text[1024];
    struct xensr_restored out;
    int rc;
} got;

static void receive(const struct script *s, size_t n, bool paused)
{
    struct xensr *x = open_context();
    struct xensr_receive_params params = {
        .paused = paused, .answer_ms = 5000, .same_host = world.same_host};
    struct peer p;

    memset(&got, 0, sizeof(got));
    start_peer(&p, s, n);
    params.in_fd = params.out_fd = p.ours;
    got.rc = xensr_receive(x, &params, &got.out);
    snprintf(got.text, sizeof(got.text), "%s", xensr_error(x));
    xensr_close(x);
    end_peer(&p);
    got.heard = p.heard;
}

/* the stream | GO */
static struct script sender(void)
{
    struct script s = {.n_parts = 0};

    new_part(&s, 54);
    add_octets(&s.says, STREAM, STREAM_LEN);
    new_part(&s, 54 + 34);
    add_msg(&s.says, XSR_HS_GO);
    return s;
}

static void new_world(void)
{
    memset(&world, 0, sizeof(world));
}

static void assert_nothing_here(void)
{
    assert_int_equal(got.rc, XENSR_FAILED);
    assert_false(world.exists);
}

/* code < 0: it never came so far */
static void assert_heard(bool ready, int code, bool given_back)
{
    struct octets want = {.len = 0};
    char octet = (char)code;

    add_msg(&want, XSR_HS_BANNER);
    if (ready)
        add_msg(&want, XSR_HS_READY);
    if (code >= 0) {
        add_msg(&want, XSR_HS_REPORT);
        add_octets(&want, &octet, 1);
    }
    if (given_back)
        add_msg(&want, XSR_HS_GO);
    assert_int_equal(got.heard.len, want.len);
    assert_memory_equal(got.heard.p, want.p, want.len);
}

static void it_runs_here(void **state)
{
    struct script s = sender();

    (void)state;
    new_world();
    receive(&s, s.says.len, false);
    assert_int_equal(got.rc, XENSR_OK);
    assert_true(world.exists && world.runs);
    assert_string_equal(world.name, "web");
    assert_string_equal(got.out.name, "web");
    assert_false(got.out.paused);
    assert_heard(true, 0, false);
}

static void it_may_stay_paused(void **state)
{
    struct script s = sender();

    (void)state;
    new_world();
    world.unpause_fails = true; /* nobody asks for it */
    receive(&s, s.says.len, true);
    assert_int_equal(got.rc, XENSR_OK);
    assert_true(world.exists && !world.runs && got.out.paused);
    assert_string_equal(world.name, "web");
    assert_heard(true, 0, false);
}

static void silence_at_any_octet_leaves_nothing(void **state)
{
    struct script s = sender();
    size_t n;

    (void)state;
    for (n = 0; n < s.says.len; n++) {
        new_world();
        receive(&s, n, false);
        assert_false(world.exists);
        if (n < STREAM_LEN) {
            assert_int_equal(got.rc, XENSR_BAD_INPUT);
            assert_string_equal(got.text, "the stream is damaged");
            assert_heard(false, -1, false);
        } else {
            assert_int_equal(got.rc, XENSR_FAILED);
            assert_heard(true, XSR_HS_NO_GO, true);
            assert_non_null(strstr(got.text, "nothing is left"));
        }
    }
}

static void other_words_than_go_are_no_go(void **state)
{
    struct script s = sender();

    (void)state;
    new_world();
    s.says.p[s.says.len - 1] = '!'; /* instead of NUL */
    receive(&s, s.says.len, false);
    assert_nothing_here();
    assert_heard(true, XSR_HS_NO_GO, true);
}

static void what_does_not_start_is_given_back(void **state)
{
    struct script s = sender();

    (void)state;
    new_world();
    world.unpause_fails = true;
    receive(&s, s.says.len, false);
    assert_nothing_here();
    assert_heard(true, XSR_HS_FAILED, true);
    assert_non_null(strstr(got.text, "does not unpause"));

    new_world();
    world.rename_fails = true;
    receive(&s, s.says.len, false);
    assert_nothing_here();
    assert_heard(true, XSR_HS_FAILED, true);
}

/* On the sender's own host it can be seen whether it keeps its word. */
static void what_its_sender_runs_on_is_given_back(void **state)
{
    struct script s = sender();

    (void)state;
    new_world();
    world.same_host = true;
    receive(&s, s.says.len, false);
    assert_int_equal(got.rc, XENSR_OK);
    assert_true(world.exists && world.runs);

    new_world();
    world.same_host = world.twin_runs = true;
    receive(&s, s.says.len, true);
    assert_nothing_here();
    assert_string_equal(world.name, "web--incoming");
    assert_heard(true, XSR_HS_FAILED, true);
    assert_non_null(strstr(got.text, "the twin runs"));
}

/* What could not be destroyed must not run at the sender too. */
static void what_cannot_be_destroyed_is_not_given_back(void **state)
{
    struct script s = sender();

    (void)state;
    new_world();
    world.unpause_fails = world.destroy_fails = true;
    receive(&s, s.says.len, false);
    assert_int_equal(got.rc, XENSR_LOOK);
    assert_true(world.exists && !world.runs);
    assert_heard(true, XSR_HS_FAILED, false);
    assert_non_null(strstr(got.text, "LEFT BEHIND"));
    assert_non_null(strstr(got.text, "xensr destroy 9"));
    assert_int_equal(got.out.domid, 9);
}

/* The sender goes away when it has said GO: the guest is ours, and it runs. */
static void a_sender_that_goes_after_go_has_given_it(void **state)
{
    struct script s = sender();
    struct xensr *x = open_context();
    struct xensr_receive_params params = {.answer_ms = 5000};
    int in[2], out[2];

    (void)state;
    new_world();
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    params.in_fd = in[0];
    params.out_fd = out[1];
    assert_int_equal(write(in[1], s.says.p, s.says.len), (int)s.says.len);
    world.unpause_fails = false;
    /* its ears are closed between READY and REPORT */
    memset(&got, 0, sizeof(got));
    world.close_at_unpause = out[0];
    got.rc = xensr_receive(x, &params, &got.out);
    assert_int_equal(got.rc, XENSR_LOOK);
    assert_true(world.exists && world.runs);
    assert_non_null(strstr(xensr_error(x), "web--migratedaway"));
    assert_non_null(strstr(xensr_error(x), "could not be told"));
    close(in[0]);
    close(in[1]);
    close(out[1]);
    xensr_close(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_runs_here),
        cmocka_unit_test(it_may_stay_paused),
        cmocka_unit_test(silence_at_any_octet_leaves_nothing),
        cmocka_unit_test(other_words_than_go_are_no_go),
        cmocka_unit_test(what_does_not_start_is_given_back),
        cmocka_unit_test(what_its_sender_runs_on_is_given_back),
        cmocka_unit_test(what_cannot_be_destroyed_is_not_given_back),
        cmocka_unit_test(a_sender_that_goes_after_go_has_given_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
