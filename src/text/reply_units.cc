// SPDX-License-Identifier: MIT
#include "text/reply_units.h"

#include <algorithm>

#include "base/check.h"
#include "text/dsml_words.h"

namespace fathom {
namespace {

void add_text(std::vector<ReplyUnit>& units, std::string_view text) {
  if (text.empty()) return;
  if (units.empty() || units.back().kind != ReplyUnit::Kind::kText) units.emplace_back();
  units.back().text.append(text);
}

void add_pieces(std::vector<ReplyUnit>& units, std::string_view text, int code_points) {
  while (!text.empty()) {
    size_t end = 1;
    for (int count = 1; end < text.size(); ++end) {
      if (begins_code_point(text[end]) && ++count > code_points) break;
    }
    units.push_back({ReplyUnit::Kind::kText, std::string(text.substr(0, end)), ReplyMarker::kOther});
    text.remove_prefix(end);
  }
}

// Where the next marker may begin: every spelling starts with '<' or with U+FF5C.
size_t next_candidate(std::string_view text, size_t from) noexcept {
  constexpr std::string_view kFirstBytes = "<\xEF";
  return std::min(text.find_first_of(kFirstBytes, from), text.size());
}

}  // namespace

ReplyMarker reply_marker(Marker marker) noexcept {
  switch (marker) {
    case Marker::kBos: return ReplyMarker::kEnd;
    case Marker::kEos: return ReplyMarker::kEnd;
    case Marker::kUser: return ReplyMarker::kEnd;
    case Marker::kAssistant: return ReplyMarker::kEnd;
    case Marker::kThinkOpen: return ReplyMarker::kThinkOpen;
    case Marker::kThinkClose: return ReplyMarker::kThinkClose;
    case Marker::kDsml: return ReplyMarker::kDsml;
    case Marker::kLatestReminder: break;
    case Marker::kAction: break;
    case Marker::kQuery: break;
    case Marker::kAuthority: break;
    case Marker::kDomain: break;
    case Marker::kTitle: break;
    case Marker::kExtractedUrl: break;
    case Marker::kReadUrl: break;
    case Marker::kFimHole: break;
    case Marker::kFimBegin: break;
    case Marker::kFimEnd: break;
  }
  return ReplyMarker::kOther;
}

std::vector<ReplyUnit> cut_reply(std::string_view text) {
  std::vector<ReplyUnit> units;
  size_t begin = 0;
  for (size_t at = next_candidate(text, 0); at < text.size();) {
    const std::optional<Marker> marker = marker_at_start(text.substr(at));
    if (!marker) {
      at = next_candidate(text, at + 1);
      continue;
    }
    add_text(units, text.substr(begin, at - begin));
    units.push_back({ReplyUnit::Kind::kMarker, std::string(marker_text(*marker)), reply_marker(*marker)});
    begin = at + marker_text(*marker).size();
    at = next_candidate(text, begin);
  }
  add_text(units, text.substr(begin));
  return units;
}

std::vector<ReplyUnit> recut_reply(const std::vector<ReplyUnit>& units, int code_points) {
  FATHOM_CHECK(code_points >= 1);
  std::vector<ReplyUnit> joined;
  for (const ReplyUnit& unit : units) {
    if (unit.kind == ReplyUnit::Kind::kText) {
      add_text(joined, unit.text);
    } else {
      joined.push_back(unit);
    }
  }
  std::vector<ReplyUnit> out;
  for (const ReplyUnit& unit : joined) {
    if (unit.kind == ReplyUnit::Kind::kText) {
      add_pieces(out, unit.text, code_points);
    } else {
      out.push_back(unit);
    }
  }
  return out;
}

void push_unit(ReplyParser& parser, const ReplyUnit& unit) {
  switch (unit.kind) {
    case ReplyUnit::Kind::kText: parser.push_text(unit.text); return;
    case ReplyUnit::Kind::kMarker: parser.push_marker(unit.marker, unit.text); return;
  }
}

}  // namespace fathom
