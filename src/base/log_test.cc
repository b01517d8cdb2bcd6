// SPDX-License-Identifier: MIT
#include "base/log.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

TEST(Log, PlainValuesStandBare) {
  EXPECT_EQ(log_value("abc-1.5/x"), "abc-1.5/x");
  EXPECT_EQ(log_value(""), "\"\"");
}

// reliability.md S-12: no raw control byte reaches the log, whatever a client sends.
TEST(Log, ControlBytesQuotesAndBlanksAreEscaped) {
  EXPECT_EQ(log_value("a\r\nevent=x"), "\"a\\x0d\\x0aevent=x\"");
  EXPECT_EQ(log_value("\x1b[31m \"q\" \\"), "\"\\x1b[31m \\\"q\\\" \\\\\"");
  EXPECT_EQ(log_value("\x7f\xc3\xa9"), "\"\\x7f\\xc3\\xa9\"");
  EXPECT_EQ(log_value(std::string_view("\0", 1)), "\"\\x00\"");
}

TEST(Log, LongValuesAreCut) {
  EXPECT_EQ(log_value(std::string(512, 'a')), std::string(512, 'a'));
  EXPECT_EQ(log_value(std::string(513, 'a')), "\"" + std::string(512, 'a') + "...\"");
}

}  // namespace
}  // namespace fathom
