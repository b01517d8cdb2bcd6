// SPDX-License-Identifier: MIT
// linear in every weight format: its bits do not depend on the number of rows, the range or the threads
// (design.md 10.1), and it writes what it was asked for and nothing else.
#include "ops/linear.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "kernels/kernel_test_support.h"
#include "numeric/bf16.h"
#include "numeric/fp4_e2m1.h"
#include "numeric/fp8_e4m3.h"
#include "numeric/ue8m0.h"

namespace fathom {
namespace {

constexpr float kUntouched = 12345.0F;

struct OwnedWeight {
  WeightView view;
  std::vector<float> f32;
  std::vector<uint8_t> codes;
  std::vector<uint8_t> scales;
  std::vector<uint16_t> bf16;
  std::vector<double> values;  // what the codes mean, [rows, cols]
};

uint8_t random_byte(std::mt19937& rng) { return static_cast<uint8_t>(rng()); }

void fill_fp8(OwnedWeight& w, std::mt19937& rng) {
  const int64_t scale_cols = (w.view.cols + 127) / 128;
  w.view.block = {128, 128};
  w.scales.resize(static_cast<size_t>((w.view.rows + 127) / 128 * scale_cols));
  for (uint8_t& s : w.scales) s = static_cast<uint8_t>(120 + rng() % 8);
  for (int64_t i = 0; i < w.view.rows * w.view.cols; ++i) {
    uint8_t code = random_byte(rng);
    if ((code & 0x7f) == 0x7f) code = 0x38;  // no NaN in a proven weight
    w.codes.push_back(code);
    const int64_t at = i / w.view.cols / 128 * scale_cols + i % w.view.cols / 128;
    w.values.push_back(double{fp8_e4m3_to_float(code)} * ue8m0_to_float(w.scales[at]));
  }
}

void fill_fp4(OwnedWeight& w, std::mt19937& rng) {
  w.view.block = {1, 32};
  w.scales.resize(static_cast<size_t>(w.view.rows * w.view.cols / 32));
  for (uint8_t& s : w.scales) s = static_cast<uint8_t>(120 + rng() % 8);
  for (int64_t i = 0; i < w.view.rows * w.view.cols; i += 2) {
    const uint8_t pair = random_byte(rng);
    w.codes.push_back(pair);
    const double scale = ue8m0_to_float(w.scales[i / 32]);
    w.values.push_back(fp4_e2m1_to_float(pair & 15) * scale);
    w.values.push_back(fp4_e2m1_to_float(pair >> 4) * scale);
  }
}

std::unique_ptr<OwnedWeight> make_weight(WeightFormat format, int64_t rows, int64_t cols, unsigned seed) {
  auto w = std::make_unique<OwnedWeight>();
  w->view = {.format = format, .block = {}, .rows = rows, .cols = cols};
  std::mt19937 rng(seed);
  switch (format) {
    case WeightFormat::kF32:
      w->f32 = random_floats(static_cast<size_t>(rows * cols), seed);
      w->values.assign(w->f32.begin(), w->f32.end());
      w->view.data = w->f32.data();
      return w;
    case WeightFormat::kBf16:
      for (const float v : random_floats(static_cast<size_t>(rows * cols), seed)) {
        w->bf16.push_back(float_to_bf16(v));
        w->values.push_back(bf16_to_float(w->bf16.back()));
      }
      w->view.data = w->bf16.data();
      return w;
    case WeightFormat::kFp8E4m3: fill_fp8(*w, rng); break;
    case WeightFormat::kFp4E2m1: fill_fp4(*w, rng); break;
  }
  w->view.data = w->codes.data();
  w->view.scales = w->scales.data();
  return w;
}

struct Shape {
  WeightFormat format;
  int64_t rows, cols;
};

// Odd sizes; 129, 200 and 300 cross a scale block; FP4 rows are multiples of 32.
constexpr Shape kShapes[] = {{WeightFormat::kF32, 37, 129},     {WeightFormat::kF32, 1, 1},
                             {WeightFormat::kBf16, 37, 129},    {WeightFormat::kBf16, 131, 7},
                             {WeightFormat::kFp8E4m3, 37, 300}, {WeightFormat::kFp8E4m3, 200, 129},
                             {WeightFormat::kFp4E2m1, 37, 160}, {WeightFormat::kFp4E2m1, 3, 32}};

std::string name_of(const Shape& s) {
  return "format " + std::to_string(static_cast<int>(s.format)) + " [" + std::to_string(s.rows) + "," +
         std::to_string(s.cols) + "]";
}

// Rows of x and y further apart than they are wide, as slices of wider buffers are.
struct StridedProduct {
  StridedProduct(int64_t m, const WeightView& weight, unsigned seed)
      : w(weight),
        x_data(random_floats(static_cast<size_t>(m * (w.cols + 3)), seed)),
        y_data(static_cast<size_t>(m * (w.rows + 5)), kUntouched),
        job{{x_data.data(), m, w.cols, w.cols + 3}, &w, {y_data.data(), m, w.rows, w.rows + 5}} {}

  std::vector<float> result() const {
    std::vector<float> out;
    for (int64_t i = 0; i < job.y.rows; ++i) out.insert(out.end(), job.y.row(i), job.y.row(i) + w.rows);
    return out;
  }
  int untouched() const { return static_cast<int>(std::ranges::count(y_data, kUntouched)); }

  WeightView w;
  std::vector<float> x_data;
  std::vector<float> y_data;
  LinearJob job;
};

TEST(Linear, EveryFormatIsWithinTheBoundOfItsTerms) {
  for (const Shape& shape : kShapes) {
    const auto w = make_weight(shape.format, shape.rows, shape.cols, 3);
    StridedProduct product(3, w->view, 4);
    linear_rows(product.job, 0, shape.rows);
    EXPECT_EQ(product.untouched(), 3 * 5) << "only the columns of y are written";
    for (int64_t i = 0; i < 3; ++i) {
      for (int64_t n = 0; n < shape.rows; ++n) {
        double want = 0.0;
        double magnitude = 0.0;
        for (int64_t k = 0; k < shape.cols; ++k) {
          const double term = product.job.x.at(i, k) * w->values[n * shape.cols + k];
          want += term;
          magnitude += std::fabs(term);
        }
        EXPECT_NEAR(product.job.y.at(i, n), want, static_cast<double>(shape.cols + 8) * 0x1p-24 * magnitude)
            << name_of(shape) << " " << i << " " << n;
      }
    }
  }
}

TEST(Linear, TheNumberOfRowsDoesNotShowInAResult) {
  for (const Shape& shape : kShapes) {
    const auto w = make_weight(shape.format, shape.rows, shape.cols, 5);
    StridedProduct nine(9, w->view, 6);
    linear_rows(nine.job, 0, shape.rows);
    for (int64_t m = 1; m <= 9; ++m) {
      for (int64_t first = 0; first + m <= 9; ++first) {
        StridedProduct fewer(m, w->view, 0);
        fewer.job.x = nine.job.x.slice_rows(first, m);
        linear_rows(fewer.job, 0, shape.rows);
        for (int64_t i = 0; i < m; ++i) {
          EXPECT_TRUE(same_bits(fewer.job.y.row_span(i), nine.job.y.row_span(first + i)))
              << name_of(shape) << " " << m << " rows from " << first;
        }
      }
    }
  }
}

TEST(Linear, ARangeOfColumnsGivesTheSameBitsAndLeavesTheOthersAlone) {
  for (const Shape& shape : kShapes) {
    const auto w = make_weight(shape.format, shape.rows, shape.cols, 7);
    StridedProduct whole(2, w->view, 8);
    linear_rows(whole.job, 0, shape.rows);
    for (int64_t begin = 0; begin <= shape.rows; begin += 1 + begin / 2) {
      for (int64_t end = begin; end <= shape.rows; end += 1 + (end - begin)) {
        StridedProduct part(2, w->view, 8);
        linear_rows(part.job, begin, end);
        for (int64_t i = 0; i < 2; ++i) {
          for (int64_t n = 0; n < shape.rows; ++n) {
            const bool inside = n >= begin && n < end;
            ASSERT_TRUE(same_bits(part.job.y.at(i, n), inside ? whole.job.y.at(i, n) : kUntouched))
                << name_of(shape) << " range " << begin << " to " << end << ", column " << n;
          }
        }
      }
    }
  }
}

TEST(Linear, ThreadsGiveTheSameBitsForEveryJobOfAStage) {
  std::vector<std::unique_ptr<OwnedWeight>> weights;
  // Fewer rows than workers, one unit of the split, one more, many.
  for (const int64_t rows : {1, 15, 16, 17, 100}) {
    for (const WeightFormat format :
         {WeightFormat::kF32, WeightFormat::kBf16, WeightFormat::kFp8E4m3, WeightFormat::kFp4E2m1}) {
      weights.push_back(make_weight(format, rows, 96, static_cast<unsigned>(rows)));
    }
  }
  const auto run = [&](int threads) {
    auto pool = ThreadPool::create(threads);
    EXPECT_TRUE(pool.ok());
    std::vector<std::unique_ptr<StridedProduct>> products;
    std::vector<LinearJob> jobs;
    for (const auto& w : weights) {
      products.push_back(std::make_unique<StridedProduct>(3, w->view, 9));
      jobs.push_back(products.back()->job);
    }
    linear(**pool, jobs);
    std::vector<float> out;
    for (const auto& p : products) {
      const std::vector<float> y = p->result();
      out.insert(out.end(), y.begin(), y.end());
    }
    return out;
  };
  const std::vector<float> one = run(1);
  for (const int threads : {2, 3, 5, 8}) EXPECT_TRUE(same_bits(run(threads), one)) << threads << " threads";
}

TEST(Linear, NoRowsAndEmptyRangesDoNothing) {
  const auto w = make_weight(WeightFormat::kFp8E4m3, 20, 40, 11);
  StridedProduct product(1, w->view, 12);
  linear_rows(product.job, 7, 7);
  product.job.x = product.job.x.slice_rows(0, 0);
  product.job.y = product.job.y.slice_rows(0, 0);
  linear_rows(product.job, 0, 20);
  EXPECT_EQ(product.untouched(), 25);
}

TEST(Linear, AWeightRowIsReadAsItLies) {
  for (const WeightFormat format : {WeightFormat::kF32, WeightFormat::kBf16}) {
    const auto w = make_weight(format, 5, 19, 13);
    for (int64_t row = 0; row < 5; ++row) {
      std::vector<float> out(19);
      weight_row(w->view, row, out);
      for (size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], w->values[row * 19 + i]) << row << " " << i;
    }
  }
}

}  // namespace
}  // namespace fathom
