# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Checkpoints of a guest g that Remus protects, as the guest itself tells of them.
# Read behind move.sh.

# checkpoints: suspends since the mark that it went through and found nothing
# lost or changed.
checkpoints() { guest_words g | grep -ac '^xg: intact'; }
has_checkpoints() { [ "$(checkpoints)" -ge "$1" ]; }

# between_checkpoints: the guest has just been let go on, so the sender has sent
# all of a checkpoint and waits. Who cuts the stream does it then: one that ends
# within libxl's own records makes every libxl read zeros for ever, whatever the
# helper does.
between_checkpoints()
{
    local n
    n=$(resumes)
    within 60 has_more_resumes "$n"
}
resumes() { guest_console g | grep -ac '^xg: resumed'; }
has_more_resumes() { [ "$(resumes)" -gt "$1" ]; }
