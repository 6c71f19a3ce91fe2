/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plugin/migrate/migrate: the sender's half of the handshake against a scripted
 * receiver. At every octet where the receiver can fall silent there is one
 * owner, and the guest is never destroyed here before the receiver has it.
 */
#include "migrate_world.h"

/* The save of the library, as far as a migration sees it. */
int xensr_save(struct xensr *x, const struct xensr_save_params *params,
               struct xensr_saved *saved_out)
{
    static const struct xensr_save_stats stats;
    char text[XSR_ERR_TEXT] = "";
    enum xensr_verdict verdict;

    assert_int_equal(xsr_context_begin(x), XENSR_OK);
    x->busy = false;
    world.n_saves++;
    if (params->on_suspend(params->ctx, 10, text, sizeof(text))) {
        world.suspend_refused = true;
        snprintf(x->text, sizeof(x->text), "%s", text);
        return XENSR_FAILED;
    }
    assert_int_equal(write(params->fd, STREAM, strlen(STREAM)),
                     (int)strlen(STREAM));
    world.runs = false;
    verdict = params->on_written(params->ctx, &stats, text, sizeof(text));
    snprintf(x->text, sizeof(x->text), "%s", text);
    if (verdict == XENSR_SAFE) {
        world.exists = false;
        saved_out->destroyed = true;
        return XENSR_OK;
    }
    world.runs = verdict == XENSR_REFUSED;
    return verdict == XENSR_REFUSED ? XENSR_FAILED : XENSR_LOOK;
}

static void new_world(void)
{
    memset(&world, 0, sizeof(world));
    world.exists = world.runs = true;
    memcpy(world.name, "web", sizeof("web"));
}

static struct {
    struct octets heard; /* by the receiver */
    char text[1024];
    int rc;
} got;

/* Migrate to a receiver that says n octets of its script. */
static void migrate(const struct script *s, size_t n)
{
    struct xensr *x = open_context();
    struct xensr_migrate_params params = {.domid = 7, .answer_ms = 5000};
    struct xensr_saved saved = {0};
    struct peer p;

    start_peer(&p, s, n);
    params.in_fd = params.out_fd = p.ours;
    got.rc = xensr_migrate(x, &params, &saved);
    assert_int_equal(got.rc == XENSR_OK, saved.destroyed);
    snprintf(got.text, sizeof(got.text), "%s", xensr_error(x));
    xensr_close(x);
    end_peer(&p);
    got.heard = p.heard;
}

static bool heard_all(bool with_go)
{
    struct octets want = {.len = 0};

    add_octets(&want, STREAM, STREAM_LEN);
    if (with_go)
        add_msg(&want, XSR_HS_GO);
    return got.heard.len == want.len &&
           memcmp(got.heard.p, want.p, want.len) == 0;
}

static void assert_runs_here(void)
{
    assert_int_equal(got.rc, XENSR_FAILED);
    assert_true(world.exists && world.runs);
    assert_string_equal(world.name, "web");
}

static void assert_nobody_knows(void)
{
    assert_int_equal(got.rc, XENSR_LOOK);
    assert_true(world.exists && !world.runs);
    assert_string_equal(world.name, "web--migratedaway");
    /* what to do, for both ends and both outcomes */
    assert_non_null(strstr(got.text, "xensr destroy 7"));
    assert_non_null(strstr(got.text, "xensr rename 7 web && xensr resume 7"));
    assert_non_null(strstr(got.text, "web--incoming"));
}

/* BANNER | READY | REPORT CODE [GO] */
static struct script receiver(unsigned char code, bool gives_back)
{
    struct script s = {.n_parts = 0};

    new_part(&s, 0);
    add_msg(&s.says, XSR_HS_BANNER);
    new_part(&s, STREAM_LEN);
    add_msg(&s.says, XSR_HS_READY);
    new_part(&s, STREAM_LEN + 44);
    add_msg(&s.says, XSR_HS_REPORT);
    add_octets(&s.says, &code, 1);
    if (gives_back)
        add_msg(&s.says, XSR_HS_GO);
    return s;
}
#define END_OF_BANNER 54u
#define END_OF_READY  (54u + 34)
#define END_OF_REPORT (54u + 34 + 39)

static void the_receiver_has_it(void **state)
{
    struct script s = receiver(0, false);

    (void)state;
    new_world();
    migrate(&s, s.says.len);
    assert_int_equal(got.rc, XENSR_OK);
    assert_false(world.exists);
    assert_true(heard_all(true));
}

static void silence_at_any_octet_leaves_one_owner(void **state)
{
    struct script s = receiver(0, false);
    size_t n;

    (void)state;
    for (n = 0; n < s.says.len; n++) {
        new_world();
        migrate(&s, n);
        if (n < END_OF_READY)
            assert_runs_here();
        else
            assert_nobody_knows();
        assert_int_equal(world.n_saves, n >= END_OF_BANNER);
        if (n < END_OF_BANNER)
            assert_int_equal(got.heard.len, 0);
        else if (n >= END_OF_READY)
            assert_true(heard_all(true));
        assert_non_null(strstr(got.text, "receiver"));
    }
}

/* A receiver that closes right behind its banner: the guest never notices. */
static void a_receiver_that_is_gone_is_seen_before_the_suspend(void **state)
{
    struct script s = receiver(0, false);

    (void)state;
    new_world();
    migrate(&s, END_OF_BANNER);
    assert_runs_here();
    assert_true(world.suspend_refused || got.heard.len == STREAM_LEN);
}

static void other_words_than_ready_are_no_ready(void **state)
{
    struct script s = receiver(0, false);

    (void)state;
    new_world();
    s.says.p[END_OF_BANNER + 3] = '!';
    migrate(&s, s.says.len);
    assert_runs_here();
    assert_true(heard_all(false));
    assert_non_null(strstr(got.text, "dom!in"));
}

static void a_failed_start_there_comes_back(void **state)
{
    struct script s = receiver(3, true);

    (void)state;
    new_world();
    migrate(&s, s.says.len);
    assert_runs_here();
    assert_true(heard_all(true));
    assert_non_null(strstr(got.text, "-3"));
}

static void a_failed_start_that_is_not_given_back_is_not_ours(void **state)
{
    struct script s = receiver(3, true);
    size_t n;

    (void)state;
    for (n = END_OF_REPORT + 1; n < s.says.len; n++) {
        new_world();
        migrate(&s, n);
        assert_nobody_knows();
    }
}

static void no_new_name_no_hand_over(void **state)
{
    struct script s = receiver(0, false);

    (void)state;
    new_world();
    world.rename_fails = true;
    migrate(&s, s.says.len);
    assert_runs_here();
    assert_true(heard_all(false));
}

static void a_domain_without_a_name_keeps_it(void **state)
{
    struct script s = receiver(0, false);

    (void)state;
    new_world();
    world.name[0] = '\0';
    world.rename_fails = true; /* nobody asks for it */
    migrate(&s, s.says.len);
    assert_int_equal(got.rc, XENSR_OK);
    new_world();
    world.name[0] = '\0';
    migrate(&s, END_OF_READY);
    assert_int_equal(got.rc, XENSR_LOOK);
    assert_non_null(strstr(got.text, "xensr resume 7"));
    assert_null(strstr(got.text, "rename"));
}

static void there_is_no_such_domain(void **state)
{
    struct script s = receiver(0, false);

    (void)state;
    new_world();
    world.exists = false;
    migrate(&s, s.says.len);
    assert_int_equal(got.rc, XENSR_FAILED);
    assert_int_equal(world.n_saves, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_receiver_has_it),
        cmocka_unit_test(silence_at_any_octet_leaves_one_owner),
        cmocka_unit_test(a_receiver_that_is_gone_is_seen_before_the_suspend),
        cmocka_unit_test(other_words_than_ready_are_no_ready),
        cmocka_unit_test(a_failed_start_there_comes_back),
        cmocka_unit_test(a_failed_start_that_is_not_given_back_is_not_ours),
        cmocka_unit_test(no_new_name_no_hand_over),
        cmocka_unit_test(a_domain_without_a_name_keeps_it),
        cmocka_unit_test(there_is_no_such_domain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
