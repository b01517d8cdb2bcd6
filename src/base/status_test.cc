// SPDX-License-Identifier: MIT
#include "base/status.h"

#include <gtest/gtest.h>

#include "base/buffer.h"
#include "base/concat.h"

namespace fathom {
namespace {

Result<int> half_of(int x) {
  if (x % 2 != 0)
    return Status(StatusCode::kInvalidArgument, concat("half: expected an even number, found ", x));
  return x / 2;
}

Result<int> quarter_of(int x) {
  FATHOM_ASSIGN_OR_RETURN(const int half, half_of(x));
  return half_of(half);
}

TEST(Status, SuccessIsNullAndHasNoMessage) {
  EXPECT_TRUE(Status().ok());
  EXPECT_EQ(Status().message(), "");
  EXPECT_EQ(exit_code(Status().code()), 0);
}

TEST(Status, AnErrorPassesThroughTheFunctionsAboveIt) {
  EXPECT_EQ(*quarter_of(12), 3);
  EXPECT_EQ(quarter_of(6).status().message(), "half: expected an even number, found 3");
  EXPECT_EQ(quarter_of(6).status().in("quarter").message(),
            "quarter: half: expected an even number, found 3");
}

TEST(MatBuf, IsZeroedAndAligned) {
  auto buf = MatBuf<float>::allocate(3, 17);
  ASSERT_TRUE(buf.ok());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(buf->data()) % 64, 0u);
  for (int64_t r = 0; r < 3; ++r) {
    for (float v : buf->view().row_span(r)) EXPECT_EQ(v, 0.0F);
  }
}

TEST(MatBuf, SizesThatDoNotFitAreRefused) {
  for (int64_t rows : {int64_t{1} << 31, int64_t{1} << 53, INT64_MAX}) {
    EXPECT_EQ(MatBuf<double>::allocate(rows, INT64_MAX).status().code(), StatusCode::kResourceExhausted);
  }
}

}  // namespace
}  // namespace fathom
