// SPDX-License-Identifier: MIT
#include "engine/stop_text.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

// The whole output when `text` arrives in two pieces cut at `cut`.
std::string output(std::string_view text, size_t cut, const std::vector<std::string>& stops) {
  StopText stop(stops);
  std::string out = stop.push(text.substr(0, cut));
  out += stop.push(text.substr(cut));
  return out + stop.flush();
}

TEST(StopText, EndsBeforeTheFirstStopWhereverTheTextIsCut) {
  const std::string text = "one two END three";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(output(text, cut, {"END"}), "one two ") << cut;
    EXPECT_EQ(output(text, cut, {"three", "wo E"}), "one t") << cut;
    EXPECT_EQ(output(text, cut, {"absent", ""}), text) << cut;
  }
}

// api.md 4.4: the earliest end wins. "bc" is complete before "abcd", so the answer ends there even when all
// of it comes at once.
TEST(StopText, TheFirstToBeCompleteWins) {
  const std::string text = "xabcd";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(output(text, cut, {"abcd", "bc"}), "xa") << cut;
    EXPECT_EQ(output(text, cut, {"c", "abc", "bc"}), "x")
        << cut << ": of those that end together the longest";
  }
  StopText stop({"abcd", "bc"});
  stop.push(text);
  EXPECT_EQ(stop.matched(), "bc");
}

TEST(StopText, HoldsBackOnlyWhatMayBecomeAStop) {
  StopText stop({"aab"});
  EXPECT_EQ(stop.push("xa"), "x");
  EXPECT_EQ(stop.push("a"), "");
  EXPECT_EQ(stop.push("a"), "a");  // "aa" may still go on to "aab"
  EXPECT_EQ(stop.push("c"), "aac");
  EXPECT_FALSE(stop.found());
  EXPECT_EQ(stop.push("aab, and on"), "");
  EXPECT_TRUE(stop.found());
  EXPECT_EQ(stop.push("more"), "");
  EXPECT_EQ(stop.flush(), "");
}

}  // namespace
}  // namespace fathom
