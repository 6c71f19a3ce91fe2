/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libxenlight, xl and the other programs of Xen 4.17 import of
 * libxenguest besides: domains are built by it, dumped, or have their CPU
 * policy made up. Saving and restoring needs none of it, so these symbols only
 * exist. Included once, by libxenguest.c.
 */
#ifndef XSR_STUBS_LIBXENGUEST_ENOSYS_H
#define XSR_STUBS_LIBXENGUEST_ENOSYS_H

#include "stubs/libs/enosys.h"

XSR_ENOSYS(xc_cpu_policy_get_domain)
XSR_ENOSYS(xc_cpu_policy_get_size)
XSR_ENOSYS(xc_cpu_policy_get_system)
XSR_ENOSYS(xc_cpu_policy_serialise)
XSR_ENOSYS(xc_cpu_policy_set_domain)
XSR_ENOSYS(xc_cpu_policy_update_cpuid)
XSR_ENOSYS(xc_cpu_policy_update_msrs)
XSR_ENOSYS(xc_cpuid_apply_policy)
XSR_ENOSYS(xc_dom_boot_image)
XSR_ENOSYS(xc_dom_boot_mem_init)
XSR_ENOSYS(xc_dom_boot_xen_init)
XSR_ENOSYS(xc_dom_build_image)
XSR_ENOSYS(xc_dom_compat_check)
XSR_ENOSYS(xc_dom_devicetree_file)
XSR_ENOSYS(xc_dom_devicetree_max_size)
XSR_ENOSYS(xc_dom_devicetree_mem)
XSR_ENOSYS(xc_dom_do_gunzip)
XSR_ENOSYS(xc_dom_gnttab_init)
XSR_ENOSYS(xc_dom_gnttab_seed)
XSR_ENOSYS(xc_dom_kernel_file)
XSR_ENOSYS(xc_dom_kernel_max_size)
XSR_ENOSYS(xc_dom_kernel_mem)
XSR_ENOSYS(xc_dom_loginit)
XSR_ENOSYS(xc_dom_mem_init)
XSR_ENOSYS(xc_dom_module_file)
XSR_ENOSYS(xc_dom_module_max_size)
XSR_ENOSYS(xc_dom_module_mem)
XSR_ENOSYS(xc_dom_parse_image)
XSR_ENOSYS(xc_dom_rambase_init)
XSR_ENOSYS(xc_dom_set_arch_hooks)
XSR_ENOSYS(xc_dom_try_gunzip)
XSR_ENOSYS(xc_domain_dumpcore)
XSR_ENOSYS(xc_domain_dumpcore_via_callback)
XSR_ENOSYS(xc_exchange_page)
XSR_ENOSYS(xc_get_cpu_featureset)
XSR_ENOSYS(xc_get_cpu_levelling_caps)
XSR_ENOSYS(xc_linux_build)
XSR_ENOSYS(xc_map_domain_meminfo)
XSR_ENOSYS(xc_mark_page_offline)
XSR_ENOSYS(xc_mark_page_online)
XSR_ENOSYS(xc_query_page_offline_status)
XSR_ENOSYS(xc_set_domain_cpu_policy)
XSR_ENOSYS(xc_unmap_domain_meminfo)

XSR_ENOSYS_PTR(xc_cpu_policy_init)
XSR_ENOSYS_PTR(xc_dom_allocate)
XSR_ENOSYS_PTR(xc_dom_boot_domU_map)
XSR_ENOSYS_PTR(xc_dom_guest_os)
XSR_ENOSYS_PTR(xc_dom_malloc)
XSR_ENOSYS_PTR(xc_dom_pfn_to_ptr)
XSR_ENOSYS_PTR(xc_dom_strdup)
XSR_ENOSYS_PTR(xc_dom_vaddr_to_ptr)
XSR_ENOSYS_PTR(xc_get_static_cpu_featuremask)
XSR_ENOSYS_PTR(xc_map_m2p)
XSR_ENOSYS_PTR(xc_read_image)

XSR_ENOSYS_ZERO(xc_cpu_policy_destroy)
XSR_ENOSYS_ZERO(xc_cpu_policy_is_compatible)
XSR_ENOSYS_ZERO(xc_dom_check_gzip)
XSR_ENOSYS_ZERO(xc_dom_feature_get)
XSR_ENOSYS_ZERO(xc_dom_release)
XSR_ENOSYS_ZERO(xc_dom_translated)
XSR_ENOSYS_ZERO(xc_dom_unmap_all)
XSR_ENOSYS_ZERO(xc_dom_unmap_one)
XSR_ENOSYS_ZERO(xc_elf_set_logfile)
XSR_ENOSYS_ZERO(xc_get_cpu_featureset_size)

#endif
