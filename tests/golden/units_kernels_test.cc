// SPDX-License-Identifier: MIT
// kernels/ of every tier that runs here against fixtures/units: gemm, quant, transforms and swiglu (their
// README has the tolerances, which every instruction set must meet).
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/concat.h"
#include "kernels/dispatch.h"
#include "numeric/bf16.h"
#include "numeric/fp8_e4m3.h"
#include "numeric/ue8m0.h"
#include "tests/support/fixture_file.h"

namespace fathom {
namespace {

std::vector<const KernelTable*> tiers_here() {
  std::vector<const KernelTable*> tables;
  for (const TierInfo& tier : kernel_tiers()) {
    if (tier.missing.empty()) tables.push_back(tier.table);
  }
  return tables;
}

// A case of gemm.safetensors: activations decoded from their codes, weights as they lie.
struct GemmCase {
  std::string name;
  int64_t m, k, n;
  std::vector<float> a;
  WeightView b;
};

GemmCase gemm_case(const FixtureFile& file, const std::string& name) {
  GemmCase c;
  c.name = name;
  c.m = file.dim(name + ".a", 0);
  c.k = file.dim(name + ".a", 1);
  c.n = file.dim(name + ".b", 0);
  const auto codes = file.u8(name + ".a");
  const auto scales = file.u8(name + ".a_scale");
  const int64_t groups = file.dim(name + ".a_scale", 1);
  for (int64_t i = 0; i < c.m; ++i) {
    for (int64_t k = 0; k < c.k; ++k) {
      c.a.push_back(fp8_e4m3_to_float(codes[static_cast<size_t>(i * c.k + k)]) *
                    ue8m0_to_float(scales[static_cast<size_t>(i * groups + k / 128)]));
    }
  }
  const bool fp8 = name.starts_with("fp8");
  c.b = {fp8 ? WeightFormat::kFp8E4m3 : WeightFormat::kFp4E2m1,
         fp8 ? ScaleBlock{128, 128} : ScaleBlock{1, 32},
         file.u8(name + ".b").data(),
         file.u8(name + ".b_scale").data(),
         c.n,
         c.k};
  return c;
}

TEST(UnitsKernels, QuantisedProductsAreWithinTheBound) {
  const FixtureFile file("units/gemm.safetensors");
  int cases = 0;
  for (const auto& [tensor_name, tensor] : file.tensors()) {
    if (!tensor_name.ends_with(".c_abs")) continue;
    ++cases;
    const GemmCase c = gemm_case(file, tensor_name.substr(0, tensor_name.size() - 6));
    for (const KernelTable* table : tiers_here()) {
      for (const XPrecision precision : {XPrecision::kF32, XPrecision::kBf16Exact}) {
        std::vector<float> y(static_cast<size_t>(c.m * c.n));
        const LinearArgs args{c.a.data(), c.k, c.m, c.b, 0, c.n, y.data(), c.n, precision};
        c.b.format == WeightFormat::kFp8E4m3 ? table->linear->fp8(args) : table->linear->fp4(args);
        for (size_t i = 0; i < y.size(); ++i) {
          const double bound = static_cast<double>(c.k + 8) * 0x1p-24 * file.f32(c.name + ".c_abs")[i];
          ASSERT_NEAR(y[i], file.f32(c.name + ".c")[i], bound)
              << table->name << " " << c.name << " element " << i;
        }
      }
    }
  }
  EXPECT_EQ(cases, 7);
}

TEST(UnitsKernels, WholeLinearPathMatches) {
  const FixtureFile file("units/gemm.safetensors");
  const int64_t m = file.dim("linear.x", 0);
  const int64_t k = file.dim("linear.x", 1);
  const int64_t n = file.dim("linear.w", 0);
  std::vector<float> x;
  for (const uint16_t bits : file.u16("linear.x")) x.push_back(bf16_to_float(bits));
  const WeightView w{WeightFormat::kFp8E4m3,           {128, 128}, file.u8("linear.w").data(),
                     file.u8("linear.w_scale").data(), n,          k};
  for (const KernelTable* table : tiers_here()) {
    std::vector<float> rounded(x.size());
    for (int64_t i = 0; i < m; ++i) {
      table->row->fp8_round_trip(x.data() + i * k, k, 128, rounded.data() + i * k);
    }
    for (const auto& [input, want] : {std::pair{&rounded, "linear.y"}, std::pair{&x, "linear.y_exact"}}) {
      std::vector<float> y(static_cast<size_t>(m * n));
      table->linear->fp8({input->data(), k, m, w, 0, n, y.data(), n});
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          double absolute = 0.0;
          for (int64_t c = 0; c < k; ++c) {
            absolute += std::fabs(static_cast<double>((*input)[static_cast<size_t>(i * k + c)]) *
                                  fp8_e4m3_to_float(file.u8("linear.w")[static_cast<size_t>(j * k + c)]) *
                                  ue8m0_to_float(file.u8("linear.w_scale")[static_cast<size_t>(c / 128)]));
          }
          const size_t at = static_cast<size_t>(i * n + j);
          ASSERT_NEAR(y[at], file.f32(want)[at], static_cast<double>(k + 8) * 0x1p-24 * absolute)
              << table->name << " " << want << " element " << at;
        }
      }
    }
  }
}

void expect_same_bits(std::span<const float> got, std::span<const float> want, const std::string& what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  ASSERT_EQ(std::memcmp(got.data(), want.data(), got.size_bytes()), 0) << what;
}

TEST(UnitsKernels, QuantisersMatchBitForBit) {
  const FixtureFile file("units/quant.safetensors");
  for (const KernelTable* table : tiers_here()) {
    for (const char* name : {"fp8_128", "fp8_64", "fp4_32"}) {
      const std::string base = name;
      const auto x = file.f32(base + ".x");
      const size_t n = static_cast<size_t>(file.dim(base + ".x", 1));
      for (size_t row = 0; row < x.size() / n; ++row) {
        std::vector<float> out(n);
        const float* in = x.data() + row * n;
        const int64_t length = static_cast<int64_t>(n);
        if (base == "fp4_32") {
          table->row->fp4_round_trip(in, length, out.data());
        } else {
          table->row->fp8_round_trip(in, length, base == "fp8_128" ? 128 : 64, out.data());
        }
        expect_same_bits(out, file.f32(base + ".dequant").subspan(row * n, n),
                         concat(table->name, " ", name, " row ", row));
      }
    }
  }
}

TEST(UnitsKernels, HadamardMatches) {
  const FixtureFile file("units/transforms.safetensors");
  for (const KernelTable* table : tiers_here()) {
    for (int n = 8; n <= 512; n *= 2) {
      const std::string name = concat("hadamard.", n);
      const auto x = file.f32(name + ".x");
      const auto want = file.f32(name + ".y");
      std::vector<float> y(x.begin(), x.end());
      float largest = 0.0f;
      for (const float v : want) largest = std::max(largest, std::fabs(v));
      for (int64_t first = 0; first < static_cast<int64_t>(y.size()); first += n) {
        table->row->hadamard(y.data() + first, n);
      }
      for (size_t i = 0; i < y.size(); ++i) {
        EXPECT_NEAR(y[i], want[i], 4 * 0x1p-24 * std::log2(n) * largest)
            << table->name << " " << name << " " << i;
      }
    }
  }
}

TEST(UnitsKernels, SwigluMatches) {
  const FixtureFile file("units/swiglu.safetensors");
  const auto g = file.f32("g");
  const auto u = file.f32("u");
  const auto w = file.f32("w");
  for (const KernelTable* table : tiers_here()) {
    for (const std::string variant : {"clamped", "free"}) {
      const float stated = file.f32(variant + ".limit")[0];
      const float limit = stated == 0.0f ? INFINITY : stated;
      for (size_t i = 0; i < g.size(); ++i) {
        float out = 0.0f;
        table->row->swiglu(&g[i], &u[i], w[i], limit, 1, &out);
        const float want = file.f32(variant + ".out")[i];
        EXPECT_NEAR(out, want, 1e-6 * std::fabs(want) + 1e-30) << table->name << " " << variant << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace fathom
