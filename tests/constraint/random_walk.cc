// SPDX-License-Identifier: MIT
#include "tests/constraint/random_walk.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include "base/counter_rng.h"
#include "text/chat_markers.h"
#include "text/reply_token_reader.h"

namespace fathom::test {
namespace {

// Low: chosen first once the reply should come to its end.
int closing_order(const Tokenizer& tokenizer, const MarkerIds& markers, int32_t id) {
  const auto marker = markers.marker(id);
  if (marker == Marker::kEos) return 0;
  if (marker == Marker::kDsml || marker == Marker::kThinkClose) return 1;
  const std::string_view bytes = tokenizer.bytes(id);
  if (tokenizer.is_added(id) || bytes.empty()) return 9;
  constexpr std::array<std::string_view, 4> kClosers = {"</", "\"", "}", "]"};
  for (const std::string_view closer : kClosers) {
    if (bytes == closer) return 2;
  }
  if (bytes.size() == 1 && std::string_view("0123456789,").find(bytes.front()) != std::string_view::npos)
    return 3;
  return bytes.find_first_of(",{[") == std::string_view::npos ? 4 : 8;
}

class Walker {
 public:
  Walker(const Tokenizer& tokenizer, const WalkOptions& options)
      : tokenizer_(tokenizer), markers_(tokenizer), options_(options) {}

  Result<RandomReply> walk(TokenConstraint constraint, const ReplyOptions& reading) {
    RandomReply reply;
    ReplyTokenReader reader(tokenizer_, markers_, reading);
    std::vector<uint32_t> bits(static_cast<size_t>(tokenizer_.size() + 31) / 32);
    while (static_cast<int>(reply.ids.size()) < options_.limit && !reply.ended) {
      const auto before = std::chrono::steady_clock::now();
      FATHOM_RETURN_IF_ERROR(constraint.mask(bits));
      const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - before;
      reply.mask_ms.push_back(took.count());
      const int32_t id = choose(bits, reply.ids.size());
      if (id < 0) return Status(StatusCode::kInternal, "no token is allowed");
      FATHOM_RETURN_IF_ERROR(constraint.accept(id));
      reply.ids.push_back(id);
      reply.text.append(tokenizer_.bytes(id));
      reader.push(id);
      reply.ended = reader.ended() || constraint.is_finished();
    }
    reply.ended ? reader.finish_stopped() : reader.finish_cut();
    for (const ReplyEvent& event : reader.take_events()) reply.message.add(event);
    return reply;
  }

 private:
  int32_t choose(const std::vector<uint32_t>& bits, size_t position) const {
    std::vector<int32_t> allowed;
    int best = 10;
    const bool closing = static_cast<int>(position) >= options_.soft_limit;
    for (int32_t id = 0; id < tokenizer_.size(); ++id) {
      if ((bits[static_cast<size_t>(id) / 32] >> (id % 32) & 1) == 0) continue;
      const int order = closing ? closing_order(tokenizer_, markers_, id) : 0;
      if (order < best) allowed.clear();
      best = std::min(best, order);
      if (order == best) allowed.push_back(id);
    }
    if (allowed.empty()) return -1;
    return allowed[random_bits(options_.seed, position) % allowed.size()];
  }

  const Tokenizer& tokenizer_;
  MarkerIds markers_;
  WalkOptions options_;
};

}  // namespace

Result<RandomReply> random_walk(const Tokenizer& tokenizer, const ConstraintPlan& plan,
                                const ConstraintSpec& spec, const WalkOptions& options) {
  const bool parsed =
      spec.calls == ConstraintSpec::Calls::kAllowed || spec.calls == ConstraintSpec::Calls::kRequired;
  return Walker(tokenizer, options)
      .walk(plan.start(), {.start = spec.start,
                           .calls = parsed ? ReplyOptions::Calls::kParsed : ReplyOptions::Calls::kPlainText});
}

}  // namespace fathom::test
