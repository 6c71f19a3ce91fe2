#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Two folders are two simulated hosts: the same name and numbers on both, and
# what happens on one is not seen on the other.
. "${0%/*}/../lib.sh"
requires jq

img=$(image pvh) || exit 1
fresh_host b
fresh_host a
ok "a restore on the first host" xensr -q restore --name same "$img"
a=$(domids)
use_host b
ok "the second host has no domain" no_domains
ok "and nothing in its store" host_is_clean
ok "the same name on the second host" xensr -q restore --name same "$img"
ok "the same number there" [ "$(domids)" = "$a" ]
use_host a
"$SIM" destroy "$a"
ok "destroyed on the first" host_is_clean
use_host b
ok "still there on the second, memory and all" memory_equals "$a" "$img"
done_testing
