// SPDX-License-Identifier: MIT
#include "engine/stop_text.h"

#include <algorithm>
#include <utility>

namespace fathom {
namespace {

// Length of the longest end of `text` with which one of `stops` begins.
size_t open_end(std::string_view text, const std::vector<std::string>& stops) {
  size_t longest = 0;
  for (const std::string& stop : stops) {
    for (size_t length = std::min(text.size(), stop.size() - 1); length > longest; --length) {
      if (text.ends_with(std::string_view(stop).substr(0, length))) longest = length;
    }
  }
  return longest;
}

}  // namespace

StopText::StopText(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

std::string StopText::push(std::string_view text) {
  if (found_) return {};
  held_ += text;
  // The one that is complete first, whatever the pieces the text came in; the longer of two that end
  // together.
  size_t first_end = std::string::npos;
  for (const std::string& stop : stops_) {
    const size_t begin = held_.find(stop);
    if (begin == std::string::npos) continue;
    const size_t end = begin + stop.size();
    if (end > first_end || (end == first_end && stop.size() <= matched_.size())) continue;
    first_end = end;
    matched_ = stop;
  }
  if (first_end != std::string::npos) {
    found_ = true;
    return std::exchange(held_, {}).substr(0, first_end - matched_.size());
  }
  const size_t kept = open_end(held_, stops_);
  std::string out = held_.substr(0, held_.size() - kept);
  held_.erase(0, out.size());
  return out;
}

std::string StopText::flush() { return std::exchange(held_, {}); }

}  // namespace fathom
