// SPDX-License-Identifier: MIT
#include "kernels/dispatch.h"

#include <atomic>
#include <cstdlib>
#include <vector>

#include "base/concat.h"
#include "kernels/cpu_features.h"

namespace fathom {
namespace {

constinit const KernelTable kGeneric = {"generic",    &kLinearGeneric, &kAttentionGeneric, &kIndexGeneric,
                                        &kRowGeneric, &kDecodeGeneric, &kTrainingGeneric};

#if defined(__x86_64__)
constinit const KernelTable kAvx2 = {"avx2",    &kLinearAvx2, &kAttentionAvx2, &kIndexAvx2,
                                     &kRowAvx2, &kDecodeAvx2, &kTrainingAvx2};
constinit const KernelTable kAvx512 = {"avx512",    &kLinearAvx512, &kAttentionAvx512, &kIndexAvx512,
                                       &kRowAvx512, &kDecodeAvx512, &kTrainingAvx512};
// The same tier to the bit on CPUs with the int8 dot product.
constinit const KernelTable kAvx512Vnni = {"avx512",    &kLinearAvx512, &kAttentionAvx512, &kIndexAvx512Vnni,
                                           &kRowAvx512, &kDecodeAvx512, &kTrainingAvx512};
constinit const KernelTable kAvx512Bf16 = {"avx512-bf16",     &kLinearAvx512Bf16, &kAttentionAvx512,
                                           &kIndexAvx512Vnni, &kRowAvx512,        &kDecodeAvx512,
                                           &kTrainingAvx512};
constinit const KernelTable kAmx = {"amx",       &kLinearAmx,    &kAttentionAvx512, &kIndexAvx512Vnni,
                                    &kRowAvx512, &kDecodeAvx512, &kTrainingAvx512};
#elif defined(__aarch64__)
constinit const KernelTable kNeon = {"neon",    &kLinearNeon, &kAttentionNeon, &kIndexNeon,
                                     &kRowNeon, &kDecodeNeon, &kTrainingNeon};
#endif

std::vector<TierInfo> probe_tiers() {
  std::vector<TierInfo> tiers = {{&kGeneric, "", TierUse::kByDefault}};
#if defined(__x86_64__)
  const CpuFeatures features = detect_cpu_features();
  tiers.push_back({&kAvx2, missing_for_avx2(features), TierUse::kByDefault});
  tiers.push_back(
      {features.avx512vnni ? &kAvx512Vnni : &kAvx512, missing_for_avx512(features), TierUse::kByDefault});
  const TierUse pairs = bf16_pairs_beat_f32(detect_cpu_model()) ? TierUse::kByDefault : TierUse::kWhenAsked;
  tiers.push_back({&kAvx512Bf16, missing_for_avx512_bf16(features), pairs});
  // Not a default until it has been measured on a CPU that has it.
  tiers.push_back({&kAmx, missing_for_amx(features), TierUse::kWhenAsked});
#elif defined(__aarch64__)
  // Part of every aarch64 CPU.
  tiers.push_back({&kNeon, "", TierUse::kByDefault});
#endif
  return tiers;
}

std::string tier_names() {
  std::string names;
  for (const TierInfo& tier : kernel_tiers()) {
    if (!names.empty()) names += ", ";
    names += tier.table->name;
  }
  return names;
}

// Set once; read by every thread.
std::atomic<const KernelTable*> selected = nullptr;

Result<const KernelTable*> choose_tier(std::string_view tier) {
  if (!tier.empty()) return kernel_table(tier);
  const char* forced = std::getenv("FATHOM_ISA");
  if (forced != nullptr && *forced != '\0') {
    Result<const KernelTable*> table = kernel_table(forced);
    if (!table.ok()) return table.status().in("FATHOM_ISA");
    return table;
  }
  const KernelTable* best = nullptr;
  for (const TierInfo& info : kernel_tiers()) {
    if (info.missing.empty() && info.use == TierUse::kByDefault) best = info.table;
  }
  return best;
}

}  // namespace

std::span<const TierInfo> kernel_tiers() {
  static const std::vector<TierInfo> tiers = probe_tiers();
  return tiers;
}

Result<const KernelTable*> kernel_table(std::string_view tier) {
  for (const TierInfo& info : kernel_tiers()) {
    if (tier != info.table->name) continue;
    if (info.missing.empty()) return info.table;
    return Status(StatusCode::kUnsupported,
                  concat("instruction set tier ", tier, ": this CPU lacks ", info.missing));
  }
  return Status(StatusCode::kInvalidArgument,
                concat("instruction set tier: expected one of ", tier_names(), ", found \"", tier, "\""));
}

Status select_kernels(std::string_view tier) {
  FATHOM_ASSIGN_OR_RETURN(const KernelTable* table, choose_tier(tier));
  selected.store(table, std::memory_order_release);
  return Status();
}

const KernelTable& kernels() noexcept {
  const KernelTable* table = selected.load(std::memory_order_acquire);
  if (table != nullptr) return *table;
  // The command reports a bad FATHOM_ISA through select_kernels before it comes to this.
  const Result<const KernelTable*> chosen = choose_tier("");
  table = chosen.ok() ? chosen.value() : &kGeneric;
  selected.store(table, std::memory_order_release);
  return *table;
}

}  // namespace fathom
