// SPDX-License-Identifier: MIT
// No text reaches a terminal with bytes that it obeys (reliability.md S-12, P-5).
#include "apps/terminal_text.h"

#include <gtest/gtest.h>

#include "text/utf8.h"

namespace fathom {
namespace {

TEST(TerminalText, OrdinaryTextStaysAsItIs) {
  for (const char* text : {"", "plain", "two\nlines\tand a tab", "é 你好 \U0001F600", "\u00A0\uFFFD"}) {
    EXPECT_EQ(visible_text(text), text);
  }
}

TEST(TerminalText, EscapeSequencesShowThemselves) {
  EXPECT_EQ(visible_text("\x1b[2J\x1b]0;title\x07"), "\u241B[2J\u241B]0;title\u2407");
  EXPECT_EQ(visible_text("a\rb\x08"
                         "c\x7f"),
            "a\u240Db\u2408c\u2421");
  EXPECT_EQ(visible_text(std::string_view("\0", 1)), "\u2400");
}

TEST(TerminalText, EightBitControlsAndIllFormedBytesAreReplaced) {
  EXPECT_EQ(visible_text("\u009B31m"), "\uFFFD31m");  // CSI in one character
  EXPECT_EQ(visible_text("a\x9b"
                         "b\xff\xe4\xbd"),
            "a\uFFFD"
            "b\uFFFD\uFFFD");
}

TEST(TerminalText, NoByteValueYieldsAControlCharacter) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second)};
      std::string shown = visible_text(text);
      EXPECT_TRUE(is_well_formed_utf8(shown)) << first << ' ' << second;
      for (std::string_view rest = shown; !rest.empty();) {
        const Utf8Step step = decode_utf8(rest);
        const char32_t c = step.code_point;
        EXPECT_TRUE(c == '\n' || c == '\t' || (c >= 0x20 && c < 0x7F) || c >= 0xA0) << first << ' ' << second;
        rest.remove_prefix(step.length);
      }
    }
  }
}

}  // namespace
}  // namespace fathom
