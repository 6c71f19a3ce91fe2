# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Guest memory in its two forms: entries of number and content, as `xensr
# inspect --memory` and `xensr sim memory` write them, and sparse files.

# pages_of RAW BASE: entries of 8 + 4096 octets from a sparse file, as `xensr
# sim memory` writes them: without pages that are all zero.
pages_of()
{
    perl -e '
        open my $f, "<", $ARGV[0] or die; my ($base, $pos) = ($ARGV[1], 0);
        my ($zero, $page) = ("\0" x 4096);
        while (1) {
            # SEEK_DATA: what is a hole cannot hold anything
            my $at = sysseek $f, $pos, 3; last unless $at;
            $at = int($at / 4096) * 4096;
            sysseek $f, $at, 0; last if sysread($f, $page, 4096) < 4096;
            $pos = $at + 4096;
            next if $at < $base || $page eq $zero;
            print pack("Q<", ($at - $base) / 4096), $page;
        }' "$1" "$2"
}
# same_memory RAW BASE ENTRIES
same_memory() { cmp <(pages_of "$1" "$2") "$3"; }
